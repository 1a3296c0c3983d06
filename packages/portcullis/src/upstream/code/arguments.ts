/** Decides whether the arguments of a tool are a snippet that may run. */
import { isRecord } from '../../mcp/message.ts'
import { clashOf, flawOfName } from './file-name.ts'
import type { CodeLimits, Language, Snippet, SnippetFile } from './snippet.ts'

/** What is wrong with the arguments, as a sentence for the caller. It repeats nothing but names of members. */
export class NotASnippet extends Error {}

const MEMBERS: ReadonlySet<string> = new Set(['code', 'stdin', 'files', 'timeoutSeconds'])
/** Of a length that four divides. Groups of four in the expression itself would take a piece of the stack each. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

/**
 * The schema of the tool has been checked by the gateway already; what bytes and names mean is decided here, and
 * nothing relies on the other check. Throws NotASnippet.
 */
export function snippetOf(language: Language, args: unknown, limits: CodeLimits): Snippet {
  if (!isRecord(args)) throw new NotASnippet('The arguments must be an object.')
  if (Object.keys(args).some((name) => !MEMBERS.has(name))) throw new NotASnippet('There is an unknown argument.')
  const { stdin = '', files = [], timeoutSeconds = limits.timeoutMs / 1_000 } = args
  return {
    language,
    code: textOf('code', args['code'], limits.maxCodeBytes),
    stdin: textOf('stdin', stdin, limits.maxStdinBytes),
    files: filesOf(files, limits),
    timeoutMs: timeoutOf(timeoutSeconds, limits),
  }
}

function textOf(name: string, value: unknown, maxBytes: number): string {
  if (typeof value !== 'string') throw new NotASnippet(`${name} must be text.`)
  if (!value.isWellFormed()) throw new NotASnippet(`${name} holds half of a character.`)
  if (Buffer.byteLength(value) > maxBytes) throw new NotASnippet(`${name} is longer than ${maxBytes} bytes.`)
  return value
}

function timeoutOf(seconds: unknown, { timeoutMs }: CodeLimits): number {
  const maxSeconds = timeoutMs / 1_000
  if (typeof seconds !== 'number' || !(seconds > 0) || seconds > maxSeconds) {
    throw new NotASnippet(`timeoutSeconds must be above 0 and at most ${maxSeconds}.`)
  }
  return Math.ceil(seconds * 1_000)
}

function filesOf(value: unknown, { maxFiles, maxFileBytes }: CodeLimits): readonly SnippetFile[] {
  if (!Array.isArray(value)) throw new NotASnippet('files must be a list.')
  if (value.length > maxFiles) throw new NotASnippet(`There are more than ${maxFiles} files.`)
  const files = (value as readonly unknown[]).map(fileOf)
  if (files.reduce((sum, { bytes }) => sum + bytes.length, 0) > maxFileBytes) {
    throw new NotASnippet(`The files are larger than ${maxFileBytes} bytes together.`)
  }
  if (clashOf(files.map(({ path }) => path)) !== undefined) {
    throw new NotASnippet('A name occurs twice in files, or is both a file and a folder.')
  }
  return files
}

function fileOf(value: unknown, index: number): SnippetFile {
  const where = `files[${index}]`
  if (!isRecord(value)) throw new NotASnippet(`${where} must be an object.`)
  const { path, content, base64, ...rest } = value
  if (Object.keys(rest).length > 0) throw new NotASnippet(`${where} has an unknown member.`)
  if (typeof path !== 'string') throw new NotASnippet(`${where} has no path.`)
  const flaw = flawOfName(path)
  if (flaw !== undefined) throw new NotASnippet(`The path of ${where} ${flaw}.`)
  if ((content === undefined) === (base64 === undefined)) {
    throw new NotASnippet(`${where} must have either content or base64.`)
  }
  return { path, bytes: bytesOf(where, content, base64) }
}

function bytesOf(where: string, content: unknown, base64: unknown): Buffer {
  if (typeof content === 'string' && content.isWellFormed()) return Buffer.from(content)
  // Node leaves out what is not base64 without a word, so that two readers would see two files.
  if (typeof base64 === 'string' && isBase64(base64)) return Buffer.from(base64, 'base64')
  throw new NotASnippet(`The content of ${where} is not ${content === undefined ? 'base64' : 'text'}.`)
}

const isBase64 = (text: string): boolean => text.length % 4 === 0 && BASE64.test(text)
