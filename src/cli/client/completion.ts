import { Argument, type Command } from 'commander';
import { sessionOf } from './session.ts';

/** What each shell runs to have the program itself say how a line can go on. */
const scripts: Record<string, string> = {
  bash: `# For ~/.bashrc: source <(hookline completion bash)
_hookline() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("$(printf '%q' "\${line%%$'\\t'*}")")
  done < <(hookline __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _hookline hookline
`,
  zsh: `#compdef hookline
# For ~/.zshrc, after compinit: source <(hookline completion zsh)
_hookline() {
  local line tab=$'\\t'
  local -a found
  for line in "\${(@f)$(hookline __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("\${\${line%%$tab*}//:/\\\\:}:\${line#*$tab}")
  done
  if (( $#found )); then _describe hookline found; else _files; fi
}
compdef _hookline hookline
`,
  fish: `# For ~/.config/fish/completions/hookline.fish: hookline completion fish > that file
function __hookline_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found (hookline __complete -- $words[2..-1] "$current" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete -c hookline -f -a '(__hookline_complete)'
`,
};

export function registerCompletion(program: Command): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(scripts)))
    .addHelpText(
      'after',
      `
Commands, options and their values are completed, and the names of what the current profile sees.

Examples:
  $ source <(hookline completion bash)
  $ source <(hookline completion zsh)
  $ hookline completion fish > ~/.config/fish/completions/hookline.fish`,
    )
    .action((shell: string, _options: object, command: Command) =>
      sessionOf(command).io.stdout(scripts[shell] ?? ''),
    );
}
