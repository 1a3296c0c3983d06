/** `portcullis completion SHELL`: a script that completes commands and options. */
import type { Command } from 'commander'
import { CommandError, EXIT } from './exit.ts'
import type { Terminal } from './terminal.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const

export function completion(shell: string, program: Command, terminal: Terminal): void {
  const words = wordsOf(program)
  if (shell === 'bash') return terminal.out(bash(words))
  if (shell === 'zsh') return terminal.out(`autoload -U +X bashcompinit && bashcompinit\n${bash(words)}`)
  if (shell === 'fish') return terminal.out(fish(words))
  throw new CommandError(
    EXIT.usage,
    `there is no completion for ${JSON.stringify(shell)}; known are ${SHELLS.join(', ')}`,
  )
}

/** What may follow each command path, such as `key create`. */
function wordsOf(program: Command): ReadonlyMap<string, readonly string[]> {
  const words = new Map<string, readonly string[]>()
  const walk = (command: Command, path: string): void => {
    const options = command.options.flatMap((option) => option.long ?? [])
    words.set(path, [...command.commands.map((child) => child.name()), ...options])
    for (const child of command.commands) walk(child, `${path} ${child.name()}`.trim())
  }
  walk(program, '')
  return words
}

function bash(words: ReadonlyMap<string, readonly string[]>): string {
  const cases = [...words].map(([path, next]) => `    '${path}') next='${next.join(' ')}' ;;`)
  return `_portcullis() {
  local word path='' next='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    [[ $word == -* ]] && break
    path="\${path:+$path }$word"
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$next" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _portcullis portcullis`
}

function fish(words: ReadonlyMap<string, readonly string[]>): string {
  const lines = [...words].flatMap(([path, next]) => {
    const seen = path.split(' ').filter((word) => word !== '')
    const condition =
      seen.length === 0
        ? '__fish_use_subcommand'
        : seen.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ')
    return next.map((word) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-f -a ${word}`
      return `complete -c portcullis -n '${condition}' ${what}`
    })
  })
  return lines.join('\n')
}
