/**
 * Keeps what was issued, what of it is revoked, and the numbers of lists: a file to which lines are added and in which nothing is ever changed.
 *
 * A line is one write at the end of the file, so processes that issue at once need no lock: their lines stand one after the
 * other, and serial numbers never meet. Each line carries a digest of itself. One that a crash has cut was never confirmed to
 * anybody and is passed over; one that was changed stops everything, because a revocation may have stood in it.
 */
import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { PkiError } from '../pki-error.ts'

export interface IssuedCertificate {
  /** Hex, in lower case, without leading zero octets. */
  readonly serial: string
  /** Id of whoever signed it; see `Issuer`. */
  readonly issuer: string
  readonly tenant: string
  readonly use: 'server' | 'client' | 'authority'
  readonly subject: string
  /** Such as `dns:gate.example.org`. */
  readonly names: readonly string[]
  /** `x5t#S256`. */
  readonly thumbprint: string
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  readonly issuedAt: number
  readonly issuedBy: string
  /** Serial of the one whose place it takes. */
  readonly replaces?: string
  readonly revoked?: Revoked
}

export interface Revoked {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** CRLReason. */
  readonly reason: number
  readonly by: string
}

type Line =
  | ({ readonly is: 'issued' } & Omit<IssuedCertificate, 'revoked'>)
  | ({ readonly is: 'revoked'; readonly issuer: string; readonly serial: string } & Revoked)
  | { readonly is: 'listed'; readonly issuer: string; readonly number: number }

const CHECK = /^(.*),"check":"([0-9a-f]{64})"\}$/s
const OTHERS = 0o077
const NEW_LINE = 0x0a

export class IssuedLedger {
  readonly #file: string
  readonly #known = new Map<string, IssuedCertificate>()
  /** By issuer: the highest that a list of it has had. */
  readonly #numbers = new Map<string, number>()
  /** Octets of whole lines that were read, and of which file. */
  #readTo = 0
  #inode = 0n
  #lines = 0
  #revocations = 0

  /** Throws PkiError when the file is not there, not ours alone, or damaged. */
  constructor(file: string) {
    this.#file = file
    this.#refresh()
  }

  /** Grows with every revocation. Throws as the constructor does, as all do that follow. */
  get revision(): number {
    this.#refresh()
    return this.#revocations
  }

  /** In the order in which they were issued. */
  all(): readonly IssuedCertificate[] {
    this.#refresh()
    return [...this.#known.values()]
  }

  /** `issuer`: an id. */
  find(issuer: string, serial: string): IssuedCertificate | undefined {
    this.#refresh()
    return this.#known.get(`${issuer} ${serial}`)
  }

  /** Durable when it returns. */
  issued(certificate: Omit<IssuedCertificate, 'revoked'>): void {
    this.#append({ is: 'issued', ...certificate })
  }

  /** Durable when it returns. What is revoked already stays as it was: the first word counts. */
  revoke(certificate: Pick<IssuedCertificate, 'issuer' | 'serial'>, revoked: Revoked): IssuedCertificate {
    const { issuer, serial } = certificate
    const known = this.find(issuer, serial)
    if (known === undefined) throw new PkiError(`no certificate ${serial} was issued here`, 'look at the list')
    if (known.revoked === undefined) this.#append({ is: 'revoked', issuer, serial, ...revoked })
    return this.find(issuer, serial) as IssuedCertificate
  }

  /**
   * For the next list of `issuer`: the time, or more than any before where the clock was set back, so that nobody takes the new list
   * for an older one. Durable when it returns, and never given again.
   */
  nextListNumber(issuer: string, now: number): number {
    this.#refresh()
    const number = Math.max(now, (this.#numbers.get(issuer) ?? 0) + 1)
    this.#append({ is: 'listed', issuer, number })
    return number
  }

  #append(line: Line): void {
    const descriptor = this.#open(constants.O_RDWR | constants.O_APPEND)
    try {
      const size = fstatSync(descriptor).size
      const last = Buffer.alloc(1, NEW_LINE)
      if (size > 0) readSync(descriptor, last, 0, 1, size - 1)
      // What a crash has cut gets a line of its own.
      const bytes = Buffer.from(`${last[0] === NEW_LINE ? '' : '\n'}${lineOf(line)}\n`)
      if (writeSync(descriptor, bytes) !== bytes.length) throw this.#broken('could not be written whole', 'make room')
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  }

  #refresh(): void {
    const descriptor = this.#open(constants.O_RDONLY)
    try {
      const { size, ino, mode } = fstatSync(descriptor, { bigint: true })
      if ((Number(mode) & OTHERS) !== 0) throw this.#broken('is open to others', `run: chmod 600 ${this.#file}`)
      if (this.#inode === 0n) this.#inode = ino
      // Nobody shortens or replaces it while it is used: whoever does takes back revocations.
      if (ino !== this.#inode || Number(size) < this.#readTo)
        throw this.#broken('was cut or replaced while it was used', 'bring the whole of it back and start again')
      if (Number(size) === this.#readTo) return
      const bytes = Buffer.alloc(Number(size) - this.#readTo)
      const read = readSync(descriptor, bytes, 0, bytes.length, this.#readTo)
      this.#take(bytes.subarray(0, read))
    } finally {
      closeSync(descriptor)
    }
  }

  /** Of what another process is writing at this moment the end is not there yet. */
  #take(bytes: Buffer): void {
    const end = bytes.lastIndexOf(NEW_LINE) + 1
    const lines = bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1)
    for (const text of lines) {
      this.#lines += 1
      if (text !== '') this.#apply(text)
    }
    this.#readTo += end
  }

  #apply(text: string): void {
    const [, body, check] = CHECK.exec(text) ?? []
    const isCut = body === undefined && !text.endsWith('}')
    if (isCut) return
    if (body === undefined || digestOf(`${body}}`) !== check)
      throw this.#broken(`is damaged in line ${this.#lines}`, 'restore it from a backup')
    const line = JSON.parse(`${body}}`) as Line
    if (line.is === 'listed') {
      this.#numbers.set(line.issuer, Math.max(line.number, this.#numbers.get(line.issuer) ?? 0))
      return
    }
    const key = `${line.issuer} ${line.serial}`
    if (line.is === 'issued') {
      const { is: _is, ...certificate } = line
      this.#known.set(key, certificate)
      return
    }
    this.#revocations += 1
    const known = this.#known.get(key)
    if (known === undefined || known.revoked !== undefined) return
    this.#known.set(key, { ...known, revoked: { at: line.at, reason: line.reason, by: line.by } })
  }

  #open(flags: number): number {
    try {
      return openSync(this.#file, flags | constants.O_NOFOLLOW)
    } catch (thrown) {
      const code = (thrown as NodeJS.ErrnoException).code ?? 'unknown'
      // A new one would forget what is revoked.
      throw this.#broken(code === 'ENOENT' ? 'is gone' : `cannot be used (${code})`, 'restore it from a backup', thrown)
    }
  }

  #broken(what: string, right: string, cause?: unknown): PkiError {
    return new PkiError(`the ledger of certificates ${this.#file} ${what}`, right, cause)
  }
}

function lineOf(line: Line): string {
  const body = JSON.stringify(line)
  return `${body.slice(0, -1)},"check":"${digestOf(body)}"}`
}

const digestOf = (body: string): string => createHash('sha256').update(body).digest('hex')
