/** What is taken out of the folder of a call after its snippet and all of its processes are gone. */
import { isUtf8 } from 'node:buffer'
import { constants, type FileHandle, lstat, open, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { flawOfName, OWN_FOLDER } from './file-name.ts'
import { CODE_FILE, type LaidOut, stampOf } from './lay-out.ts'
import type { CodeLimits, OutcomeFile } from './snippet.ts'

/** Names that are looked at; a snippet may make as many as its quota allows. */
const MAX_NAMES = 10_000

export interface Collected {
  readonly files: readonly OutcomeFile[]
  /** There was more, or something that cannot be given back: too many, too large, a strange name. */
  readonly truncated: boolean
}

/** Control characters but for tab and line ends: text holds none, a terminal obeys them, and JSON needs six bytes for each. */
const CONTROLS = /[^\P{Cc}\t\n\r]/u
const ALL_CONTROLS = new RegExp(CONTROLS, 'gu')

/** The first bytes that were written as text. Half a character at the cut is left out; bytes that are none are replaced. */
export async function readOutput(file: FileHandle, maxBytes: number): Promise<{ text: string; truncated: boolean }> {
  const { size } = await file.stat()
  const truncated = size > maxBytes
  const bytes = await readUpTo(file, Math.min(size, maxBytes))
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: truncated })
  return { text: text.replaceAll(ALL_CONTROLS, '\uFFFD'), truncated }
}

/** Files that the snippet made or changed, by name. Links, pipes and the like are left out; nothing is followed. */
export async function collectFiles({ folder, stamps }: LaidOut, limits: CodeLimits): Promise<Collected> {
  const { paths, complete } = await findFiles(folder, stamps)
  const files: OutcomeFile[] = []
  let room = limits.maxReturnedBytes
  let truncated = !complete || paths.length > limits.maxFiles
  for (const path of paths.slice(0, limits.maxFiles)) {
    const file = await readFile(folder, path, room)
    if (file === undefined) continue
    const isWhole = file.content !== undefined || file.base64 !== undefined
    if (isWhole) room -= file.size
    else truncated = true
    files.push(file)
  }
  return { files, truncated }
}

async function findFiles(folder: string, stamps: ReadonlyMap<string, string>) {
  const paths: string[] = []
  const folders = ['']
  let names = 0
  let complete = true
  for (let inside = folders.pop(); inside !== undefined; inside = folders.pop()) {
    const entries = await opendir(join(folder, inside)).catch(() => undefined)
    // The snippet may have closed a folder to its own account, which may be the gateway's too.
    if (entries === undefined) complete = false
    for await (const entry of entries ?? []) {
      const path = inside === '' ? entry.name : `${inside}/${entry.name}`
      if (path === OWN_FOLDER || Object.values(CODE_FILE).includes(path)) continue
      if (++names > MAX_NAMES) return { paths: paths.sort(), complete: false }
      if (isStrange(path)) complete = false
      else if (entry.isDirectory()) folders.push(path)
      else if (entry.isFile() && (await isNew(folder, path, stamps))) paths.push(path)
    }
  }
  return { paths: paths.sort(), complete }
}

/** Bytes that are no UTF-8 have become replacement characters, under which nothing could be opened. */
const isStrange = (path: string): boolean => flawOfName(path) !== undefined || path.includes('\uFFFD')

async function isNew(folder: string, path: string, stamps: ReadonlyMap<string, string>): Promise<boolean> {
  const stamp = stamps.get(path)
  return stamp === undefined || stamp !== stampOf(await lstat(join(folder, path), { bigint: true }))
}

async function readFile(folder: string, path: string, room: number): Promise<OutcomeFile | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(join(folder, path), flags).catch(() => undefined)
  if (file === undefined) return undefined
  try {
    const status = await file.stat()
    if (!status.isFile()) return undefined
    const { size } = status
    if (size > room) return { path, size }
    const bytes = await readUpTo(file, size)
    const text = isUtf8(bytes) ? bytes.toString('utf8') : undefined
    if (text !== undefined && !CONTROLS.test(text)) return { path, size, content: text }
    return { path, size, base64: bytes.toString('base64') }
  } finally {
    await file.close()
  }
}

async function readUpTo(file: FileHandle, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}
