import type { Command } from 'commander';

export function addHookCommands(_group: Command): void {}
