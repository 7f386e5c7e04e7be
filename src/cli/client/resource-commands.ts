import type { Command } from 'commander';
import { addExamples } from './examples.ts';
import { addOperationCommand } from './operation-command.ts';
import { resourceGroups } from './resources.ts';

/** More commands of a group than its rows. */
export type MoreCommands = (group: Command) => void;

/** The commands of a group of resources: its rows, and what is more than an operation. */
export function registerResource(name: string, more?: MoreCommands): (program: Command) => void {
  return (program) => {
    const group = resourceGroups.find((one) => one.name === name);
    if (!group) throw new Error(`There is no group "${name}"`);
    const command = program.command(name);
    const examples = Object.entries(group.rows).map(
      ([word, row]) => addOperationCommand(command, word, row, group)[0] ?? '',
    );
    addExamples(command, examples.slice(0, 5));
    more?.(command);
  };
}
