/** Entry of the command line: from arguments to an exit status. What a command needs is loaded when it is called. */
import { readFileSync } from 'node:fs'
import { CommanderError } from 'commander'
import type { Command } from 'commander'
import { EXIT } from './exit.ts'
import type { ExitStatus } from './exit.ts'
import { explainFailure } from './failure.ts'
import { guardLastWords } from './last-words.ts'
import { buildProgram } from './program.ts'
import { processTerminal } from './terminal.ts'
import type { Terminal } from './terminal.ts'

/** The version of this package. */
export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return manifest.version
}

/** Runs one command line, without the program's own name. Resolves with the exit status and never rejects. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<ExitStatus> {
  let status: ExitStatus = EXIT.ok
  const program = buildProgram(packageVersion(), terminal, (told) => {
    status = told
  })
  talkThrough(program, terminal)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return status
  } catch (thrown) {
    // Commander has told already; help and version are its errors with status 0.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage
    const failure = explainFailure(thrown)
    terminal.err(failure.text)
    return failure.status
  }
}

/** Runs the command line of this process. */
export async function main(): Promise<void> {
  guardLastWords(process)
  process.exitCode = await runCommand(process.argv.slice(2), processTerminal())
}

function talkThrough(command: Command, terminal: Terminal): void {
  command.exitOverride()
  command.configureOutput({
    writeOut: (text) => terminal.out(text.trimEnd()),
    writeErr: (text) => terminal.err(text.trimEnd()),
  })
  for (const child of command.commands) talkThrough(child, terminal)
}
