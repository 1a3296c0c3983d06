/**
 * Whether, and with which table, the private file systems of a sandbox get a limit of files.
 *
 * It takes a user namespace beside that of bwrap. Where a security module grants one to bwrap alone, the file systems
 * have a size only, and their files count as memory.
 */
import { once } from 'node:events'
import { Fault } from '../core/fault.ts'
import { cellCommand, type CellTools, type PrivateLimits, tableText } from './cell.ts'
import { startChild } from './child.ts'
import { DescriptorTable } from './descriptors.ts'
import type { HostIdentity, Limits } from './driver.ts'
import { namelessFile, openConstant } from './nameless-file.ts'
import { StderrReader } from './stderr.ts'

const SMALLEST: PrivateLimits = { tmpBytes: 4096, tmpFiles: 1 }
const MAX_ERROR_BYTES = 1024

export class PrivateFiles {
  /** Why this host cannot limit files; undefined when it can. */
  readonly reason: string | undefined

  constructor(reason: string | undefined) {
    this.reason = reason
  }

  /**
   * A descriptor of what to mount for these limits, which the caller closes; undefined when bwrap makes the file
   * systems. Throws `sandbox.start_failed`.
   */
  openTable({ tmpBytes, tmpFiles }: Pick<Limits, 'tmpBytes' | 'tmpFiles'>): number | undefined {
    if (tmpFiles === undefined || this.reason !== undefined) return undefined
    const descriptor = openConstant(tableText({ tmpBytes, tmpFiles }))
    if (descriptor !== undefined) return descriptor
    throw new Fault('sandbox.start_failed', { reason: 'there is no place for the table of private file systems' })
  }
}

/** Mounts the smallest file systems that there are, as a launch would. Never throws. */
export async function probePrivateFiles(tools: CellTools, identity: HostIdentity | undefined): Promise<PrivateFiles> {
  if (tools.mount === undefined) return new PrivateFiles('mount was not found')
  const table = new DescriptorTable()
  try {
    const cell = cellCommand({ doors: [], table: table.lend(namelessFile(tableText(SMALLEST))), tools })
    const options = { environment: {}, cwd: '/', table, runAs: identity }
    const child = await startChild([...cell, tools.sh, '-c', ':'], options)
    const stderr = new StderrReader(child.stderr, MAX_ERROR_BYTES)
    child.stdout.resume()
    child.stdin.end()
    const [code] = await once(child.process, 'close')
    return new PrivateFiles(code === 0 ? undefined : stderr.tail || `mount ended with status ${code}`)
  } catch (problem) {
    return new PrivateFiles((problem as Error).message)
  }
}
