/**
 * A witness that is a git repository: each note is an empty commit on a branch of its own, whose message holds the lines.
 *
 * No file is checked out, no hook runs, and the branch moves only from the commit that was read before. Where a remote is
 * named, a note counts when the remote has it, and never by force: history that was changed there is noticed.
 */
import type { SignedStatement } from '../checkpoint.ts'
import { lineOf } from './statement.ts'
import type { Witness } from './witness.ts'

/** Runs `git` with these arguments in the repository and gives what it prints. Rejects when it fails or takes too long. */
export type RunGit = (args: readonly string[], signal: AbortSignal) => Promise<string>

export interface GitWitnessOptions {
  readonly run: RunGit
  readonly branch: string
  /** Name of a remote of the repository. */
  readonly remote?: string | undefined
}

/** Of one commit: its message is an argument, whose length the system limits. */
const MAX_LINES = 200

/** Settings of the repository that could run programs, or ask a person. */
const QUIET = [
  '-c',
  'core.hooksPath=/dev/null',
  '-c',
  'core.fsmonitor=false',
  '-c',
  'commit.gpgSign=false',
  '-c',
  'gc.auto=0',
]

export function gitWitness({ run, branch, remote }: GitWitnessOptions): Witness {
  const ref = `refs/heads/${branch}`
  const git = (args: readonly string[], signal: AbortSignal) => run([...QUIET, ...args], signal)
  const commit = async (statements: readonly SignedStatement[], signal: AbortSignal): Promise<void> => {
    const [parent = ''] = (await git(['for-each-ref', '--format=%(objectname)', ref], signal)).split('\n')
    const tree = await git(['hash-object', '-t', 'tree', '-w', '/dev/null'], signal)
    const parents = parent === '' ? [] : ['-p', parent]
    const made = await git(['commit-tree', tree, ...parents, '-m', messageOf(statements)], signal)
    // The old value is named, so nobody else's commit is lost; none is said by zeros of the same length.
    await git(['update-ref', ref, made, parent === '' ? '0'.repeat(made.length) : parent], signal)
  }
  return {
    kind: 'git',
    async note(statements, signal) {
      for (let at = 0; at < statements.length; at += MAX_LINES)
        await commit(statements.slice(at, at + MAX_LINES), signal)
      if (remote !== undefined) await git(['push', '--quiet', '--no-verify', remote, `${ref}:${ref}`], signal)
    },
    close: async () => {},
  }
}

/** What the repository keeps, one line each, the newest first. */
export function readGit(run: RunGit, branch: string, signal: AbortSignal): Promise<string> {
  return run([...QUIET, 'log', '--format=%b', `refs/heads/${branch}`, '--'], signal)
}

function messageOf(statements: readonly SignedStatement[]): string {
  // A name may hold anything, and the first line must stay one.
  const places = statements
    .map(({ tenant, sequence }) => `${tenant.replaceAll(/[^\w@-]/g, '_')} ${sequence}`)
    .join(', ')
  return `audit ${places.slice(0, 60)}\n\n${statements.map(lineOf).join('\n')}`
}
