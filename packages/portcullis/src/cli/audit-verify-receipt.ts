/** `portcullis audit verify-receipt`: checks what a caller shows as a receipt of its call. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { chainFolder } from '../audit/ledger.ts'
import { type ReceiptVerdict, verifyReceipt } from '../audit/verify-receipt.ts'
import { type AuditVerifyOptions, placesOf } from './audit-verify.ts'
import { CommandError, EXIT, type ExitStatus } from './exit.ts'
import { printable, type Terminal } from './terminal.ts'

export interface AuditVerifyReceiptOptions extends Pick<AuditVerifyOptions, 'config' | 'key' | 'folder' | 'json'> {
  /** The public key is all there is: no chain is looked at. */
  readonly chain?: boolean
}

/** `findings` when it is not valid. Throws CommandError, and what the file system throws. */
export function auditVerifyReceipt(file: string, options: AuditVerifyReceiptOptions, terminal: Terminal): ExitStatus {
  const value = parse(file)
  const { folder, keys } = placesOf(
    options.chain === false ? { ...options, folder: options.folder ?? '.' } : options,
    terminal,
  )
  const chainOf = (tenant: string) => join(folder, chainFolder(tenant))
  const verdict = verifyReceipt({ value, keys, ...(options.chain !== false && { chainOf }) })
  terminal.out(options.json === true ? JSON.stringify(verdict) : sentence(verdict))
  return verdict.valid ? EXIT.ok : EXIT.findings
}

function sentence({ valid, problem, receipt, chain, result }: ReceiptVerdict): string {
  if (!valid || receipt === undefined) return `NOT VALID: ${problem}`
  const { tenant, sequence, incident, at } = receipt.statement
  const told = `valid: record ${sequence} of ${printable(tenant)}, ${new Date(at).toISOString()}, incident ${printable(incident)}`
  const where = { found: 'it is in the chain', older: 'the chain begins after it', absent: 'no chain was looked at' }[
    chain
  ]
  return `${told}; ${where}${result === 'matches' ? '; the result is the one that was given' : ''}`
}

function parse(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (thrown) {
    if (thrown instanceof SyntaxError) throw new CommandError(EXIT.usage, `${file} is not JSON.`)
    throw thrown
  }
}
