/** The reference of the command line as Markdown, generated from the commands. */
import type { Command } from 'commander'
import { EXIT, EXIT_MEANINGS } from './exit.ts'
import { buildProgram } from './program.ts'
import type { Terminal } from './terminal.ts'

const INTRODUCTION = `# Command line reference

Generated from the commands; do not edit.

Without \`--config\`, the file that PORTCULLIS_CONFIG names is used, or \`portcullis.yaml\` or \`.portcullis/portcullis.yaml\` in the
current folder. Results go to standard output, everything else to standard error.
`

/** The whole document, ending with a line end. */
export function commandReference(): string {
  const nowhere: Terminal = {
    out: () => {},
    err: () => {},
    environment: {},
    clock: { now: () => 0 },
    interrupted: new AbortController().signal,
  }
  const program = buildProgram('', nowhere, () => {})
  return [INTRODUCTION, exits(), ...program.commands.flatMap((command) => sections(command, 'portcullis'))].join('\n')
}

function exits(): string {
  const names = Object.keys(EXIT) as (keyof typeof EXIT)[]
  const rows = names.map((name) => `| ${EXIT[name]} | ${EXIT_MEANINGS[name]} |`)
  return `## Exit status\n\n| status | meaning |\n|---|---|\n${rows.join('\n')}\n`
}

function sections(command: Command, parent: string): readonly string[] {
  const path = `${parent} ${command.name()}`
  if (command.commands.length > 0) return command.commands.flatMap((child) => sections(child, path))
  const usage = command.registeredArguments.map((argument) => ` <${argument.name()}>`).join('')
  const title = `## ${path}${usage}\n\n${sentence(command.description())}\n`
  if (command.options.length === 0) return [title]
  const rows = command.options.map((option) => {
    const required = option.mandatory ? ' (required)' : ''
    const fallback = option.defaultValue === undefined ? '' : ` (default \`${String(option.defaultValue)}\`)`
    return `| \`${option.flags}\` | ${option.description}${required}${fallback} |`
  })
  return [`${title}\n| option | meaning |\n|---|---|\n${rows.join('\n')}\n`]
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
