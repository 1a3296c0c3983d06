/** A folder to try things in, what is really in it, and what a list of reports says is in it. */
import { createHash } from 'node:crypto'
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Access, FileAccess } from '../../../src/sandbox/access.ts'

export const makeFolder = (): string => mkdtempSync(join(tmpdir(), 'portcullis-folders-'))
export const removeFolder = (path: string): void => rmSync(path, { recursive: true, force: true })

export const digestOf = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex')

/** Path → what a report says of it. Folders are not listed. */
export type Contents = Readonly<Record<string, { readonly bytes: number; readonly digest?: string }>>

export function contentsOf(folder: string, shown = folder): Contents {
  const contents: Record<string, { bytes: number; digest?: string }> = {}
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const stats = lstatSync(path)
    if (stats.isDirectory()) Object.assign(contents, contentsOf(path, `${shown}/${name}`))
    else
      contents[`${shown}/${name}`] = {
        bytes: stats.size,
        ...(stats.isFile() && stats.size <= 1 << 20 && { digest: digestOf(readFileSync(path)) }),
      }
  }
  return contents
}

/** What there must be when there was `before` and the reports tell everything that happened. */
export function fold(before: Contents, reports: readonly Access[]): Contents {
  const contents: Record<string, { bytes: number; digest?: string }> = { ...before }
  for (const report of reports) {
    if (report.kind !== 'file') continue
    checkOrder(contents, report)
    if (report.change === 'removed') delete contents[report.path]
    else contents[report.path] = { bytes: report.bytes ?? -1, ...(report.digest && { digest: report.digest }) }
  }
  return contents
}

function checkOrder(contents: Contents, { change, path }: FileAccess): void {
  const exists = Object.hasOwn(contents, path)
  if (exists === (change === 'created'))
    throw new Error(`${path} was ${change}, and ${exists ? 'was there' : 'was not'}`)
}
