/** Decides how a password is kept: Argon2id where this Node.js has it, else scrypt, as a PHC string that says which. */
import * as crypto from 'node:crypto'

/** Memory in KiB, passes and lanes: the first choice of the OWASP Password Storage Cheat Sheet for Argon2id. */
const ARGON2 = { memory: 19_456, passes: 2, parallelism: 1 } as const
/** The same source's choice for scrypt: N = 2^17, r = 8, p = 1. */
const SCRYPT = { ln: 17, r: 8, p: 1 } as const
const SALT_BYTES = 16
const HASH_BYTES = 32
/** What is not longer than this is hashed whole; a longer text would only make us work. */
export const MAX_PASSWORD_CHARS = 256

const PHC = /^\$(argon2id|scrypt)\$(?:v=19\$)?([a-z0-9=,]+)\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/

type Derive = (password: string, salt: Buffer) => Promise<Buffer>

/** A PHC string with a salt of its own. Rejects with a RangeError for a text that is too long. */
export async function hashPassword(password: string): Promise<string> {
  const salt = crypto.randomBytes(SALT_BYTES)
  const isArgon = typeof crypto.argon2 === 'function'
  const { memory: m, passes: t, parallelism: p } = ARGON2
  const settings = isArgon ? `argon2id$v=19$m=${m},t=${t},p=${p}` : `scrypt$ln=${SCRYPT.ln},r=${SCRYPT.r},p=${SCRYPT.p}`
  const hash = await (isArgon ? argon2id(m, t, p) : scrypt(SCRYPT.ln, SCRYPT.r, SCRYPT.p))(normal(password), salt)
  return `$${settings}$${unpadded(salt)}$${unpadded(hash)}`
}

/** Whether the PHC string was made of this password. False, after no work, for a string that is none. */
export async function verifyPassword(phc: string, password: string): Promise<boolean> {
  const [, algorithm, settings = '', salt = '', expected = ''] = PHC.exec(phc) ?? []
  if (algorithm === undefined || password.length > MAX_PASSWORD_CHARS) return false
  const derive = deriver(algorithm, settings)
  if (derive === undefined) return false
  const hash = await derive(normal(password), Buffer.from(salt, 'base64'))
  return crypto.timingSafeEqual(hash, Buffer.from(expected, 'base64'))
}

/** One password has several spellings in Unicode; people type the one that their keyboard makes (RFC 8265 §4.2). */
function normal(password: string): string {
  if (password.length > MAX_PASSWORD_CHARS)
    throw new RangeError(`a password has at most ${MAX_PASSWORD_CHARS} characters`)
  return password.normalize('NFC')
}

function deriver(algorithm: string, settings: string): Derive | undefined {
  const numbers = new Map(settings.split(',').map((pair) => pair.split('=') as [string, string]))
  const [m, t, p, ln, r] = ['m', 't', 'p', 'ln', 'r'].map((name) => Number(numbers.get(name) ?? 0)) as [
    number,
    ...number[],
  ]
  if (algorithm === 'argon2id') return typeof crypto.argon2 === 'function' ? argon2id(m, t ?? 0, p ?? 0) : undefined
  return scrypt(ln ?? 0, r ?? 0, p ?? 0)
}

const argon2id = (memory: number, passes: number, parallelism: number): Derive => {
  return (message, nonce) =>
    new Promise((resolve, reject) => {
      const settings = { message, nonce, memory, passes, parallelism, tagLength: HASH_BYTES }
      crypto.argon2('argon2id', settings, (error, hash) => (error === null ? resolve(hash) : reject(error)))
    })
}

const scrypt = (ln: number, r: number, p: number): Derive => {
  const N = 2 ** ln
  return (password, salt) =>
    new Promise((resolve, reject) => {
      const settings = { N, r, p, maxmem: 256 * N * r }
      crypto.scrypt(password, salt, HASH_BYTES, settings, (error, hash) =>
        error === null ? resolve(hash) : reject(error),
      )
    })
}

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '')
