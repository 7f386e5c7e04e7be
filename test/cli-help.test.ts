import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Command } from 'commander';
import { createProgram } from '../src/cli/program.ts';
import { openCli, silentIo } from './support/cli.ts';

const program = await createProgram('all', silentIo());

function* every(command: Command, words: string[] = []): Generator<{ command: Command; words: string[] }> {
  for (const one of command.commands) {
    const path = [...words, one.name()];
    yield { command: one, words: path };
    yield* every(one, path);
  }
}

function helpOf(command: Command): string {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  return help;
}

describe('the help', () => {
  test('of every command says what it does and shows an example that begins with its own words', () => {
    const faults: string[] = [];
    assert.match(helpOf(program), /^ {2}\$ hookline actions run/m);
    for (const { command, words } of every(program)) {
      const name = words.join(' ');
      if (!command.description()) faults.push(`${name} has no description`);
      const shown = [...helpOf(command).matchAll(/^ {2}\$ (.*)$/gm)].map(([, line]) => line ?? '');
      if (shown.length === 0) faults.push(`${name} has no example`);
      const spelled = [name, ...command.aliases().map((alias) => [...words.slice(0, -1), alias].join(' '))];
      for (const line of shown)
        if (!spelled.some((one) => line.includes(`hookline ${one}`)))
          faults.push(`${name}: "${line}" is another`);
    }
    assert.deepEqual(faults, []);
  });

  test('knows every option that an example uses', () => {
    const faults: string[] = [];
    for (const { command, words } of every(program)) {
      if (command.commands.length > 0) continue;
      const flags = new Set(
        [...command.options, ...program.options].flatMap(({ long, short }) => [long, short]),
      );
      for (const [, line = ''] of helpOf(command).matchAll(/^ {2}\$ (.*)$/gm))
        for (const [, flag] of line
          .split(' | ')[0]!
          .replace(/'[^']*'|"[^"]*"/g, '')
          .matchAll(/ (--?[a-z][\w-]*)/g))
          if (!flags.has(flag)) faults.push(`${words.join(' ')}: ${flag}`);
    }
    assert.deepEqual(faults, []);
  });

  for (const [words, hint] of [
    [['aps'], 'apps'],
    [['serv'], 'serve'],
    [['apps', 'lst'], 'list'],
    [['actions', 'wach', '1'], 'watch'],
    [['apps', 'list', '--al'], '--all'],
    [['call', 'getApplicaton'], 'getApplication'],
    [['secrets', 'rotat'], 'rotate'],
  ] as const)
    test(`a mistyped "${words.join(' ')}" is answered with "${hint}", at every level`, async (t) => {
      const end = await openCli(t).run([...words]);
      assert.equal(end.code, 2);
      assert.ok(end.stderr.includes(hint) && end.stderr.includes('Did you mean'), end.stderr);
      assert.equal(end.stdout, '');
    });

  for (const words of [
    ['--help'],
    ['help'],
    ['help', 'apps'],
    ['apps', 'help', 'list'],
    ['apps', '--help'],
    ['--version'],
  ])
    test(`"${words.join(' ')}" is answered on standard output and ends with 0`, async (t) => {
      const end = await openCli(t).run(words);
      assert.deepEqual([end.code, end.stderr], [0, '']);
      assert.match(end.stdout, /^(Usage: hookline|\d+\.\d+\.\d+$)/m);
    });

  test('a command of the server takes no option of the client, and options alone start no server', async (t) => {
    for (const words of [
      ['config', '--json'],
      ['serve', '--url', 'http://x'],
      ['secrets', '--profile', 'x', 'status'],
      ['--json'],
    ]) {
      const end = await openCli(t).run(words);
      assert.equal(end.code, 2, words.join(' '));
    }
  });

  test('serve takes no word that it does not know', async (t) => {
    const end = await openCli(t).run(['serve', 'now']);
    assert.equal(end.code, 2);
    assert.match(end.stderr, /too many arguments/);
  });
});
