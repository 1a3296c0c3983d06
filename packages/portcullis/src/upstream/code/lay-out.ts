/** What lies in the folder of a call before its snippet starts. */
import { constants, type FileHandle, mkdir, open, lstat } from 'node:fs/promises'
import { join } from 'node:path'
import type { HostIdentity } from '../../sandbox/driver.ts'
import { foldersOf, OWN_FOLDER } from './file-name.ts'
import { give } from './give.ts'
import type { Language, Snippet } from './snippet.ts'

export const CODE_FILE: Readonly<Record<Language, string>> = {
  javascript: 'snippet.js',
  python: 'snippet.py',
  shell: 'snippet.sh',
}

/** Standard streams of the snippet as files, relative to its folder. */
export const STREAMS = {
  stdin: `${OWN_FOLDER}/stdin`,
  stdout: `${OWN_FOLDER}/stdout`,
  stderr: `${OWN_FOLDER}/stderr`,
} as const

export interface LaidOut {
  readonly folder: string
  /**
   * The files that the snippet's output goes into. They are read by these descriptors: what has these names later may
   * be something else.
   */
  readonly stdout: FileHandle
  readonly stderr: FileHandle
  /** What each given file was like, by path; see `stampOf`. */
  readonly stamps: ReadonlyMap<string, string>
}

/** Writes everything into an empty folder that nothing else writes into yet. Throws the system's error. */
export async function layOut(folder: string, snippet: Snippet, runAs: HostIdentity | undefined): Promise<LaidOut> {
  const put = (path: string, bytes: Buffer | string) => putFile(join(folder, path), bytes, runAs)
  for (const name of foldersFor(snippet)) {
    await mkdir(join(folder, name), { mode: 0o700 })
    await give(join(folder, name), runAs)
  }
  const stamps = new Map<string, string>()
  for (const { path, bytes } of snippet.files) {
    await put(path, bytes)
    stamps.set(path, stampOf(await lstat(join(folder, path), { bigint: true })))
  }
  await put(CODE_FILE[snippet.language], snippet.code)
  await put(STREAMS.stdin, snippet.stdin)
  await put(STREAMS.stdout, '')
  await put(STREAMS.stderr, '')
  const stdout = await openAgain(join(folder, STREAMS.stdout))
  const stderr = await openAgain(join(folder, STREAMS.stderr))
  return { folder, stdout, stderr, stamps }
}

/** Says what a file is at a moment. A program can set the other times, but not that of the last change of status. */
export const stampOf = (status: { readonly ino: bigint; readonly size: bigint; readonly ctimeNs: bigint }): string =>
  `${status.ino} ${status.size} ${status.ctimeNs}`

function foldersFor({ files }: Snippet): readonly string[] {
  const folders = new Set([OWN_FOLDER, ...files.flatMap(({ path }) => foldersOf(path))])
  return [...folders].sort((left, right) => left.length - right.length)
}

async function putFile(path: string, bytes: Buffer | string, runAs: HostIdentity | undefined): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(bytes)
  } finally {
    await file.close()
  }
  await give(path, runAs)
}

const openAgain = (path: string): Promise<FileHandle> => open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
