/** Keeps Cedar's answers from one start to the next. They are believed only when nobody else can have written them. */
import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeWhole } from '../pki/private-file.ts'
import { cedarVersion, openCedar } from '../policy/cedar.ts'
import { type CedarAnswers, RememberedCedar } from '../policy/remembered-cedar.ts'
import { PRODUCT } from './product.ts'

export interface KeptCedar {
  readonly cedar: RememberedCedar
  /** The answers of the last start; empty when they are not to be believed. */
  readonly known: CedarAnswers
  /** Writes what is new. A file that cannot be written makes the next start slower, and nothing else. */
  keep(): void
}

const NOTHING: CedarAnswers = { parsed: {}, fitting: {} }
const OTHERS = 0o077

/**
 * Throws nothing for what the file is: unless it is whole, ours and of these versions, Cedar is asked again. `answers`
 * were given by this very version just now.
 */
export function keptCedar(stateFolder: string, answers?: CedarAnswers): KeptCedar {
  const file = join(stateFolder, 'policies.json')
  const versions = `${PRODUCT.name} ${PRODUCT.version} cedar ${cedarVersion()}`
  const known = answers ?? read(file, versions)
  const cedar = new RememberedCedar(openCedar(), known)
  let written = answers === undefined
  return {
    cedar,
    known,
    keep() {
      if (written && !cedar.fresh) return
      written = true
      const body = JSON.stringify(cedar.answers())
      try {
        writeWhole(file, `${heading(versions, body)}\n${body}`, 0o600)
      } catch {
        // The answers stand; only the next start has to ask for them again.
      }
    },
  }
}

/** The digest tells a damaged file. Against whoever can write the state folder nothing here would help: the keys are there. */
function heading(versions: string, body: string): string {
  return `${versions} ${createHash('sha256').update(body).digest('hex')}`
}

function read(file: string, versions: string): CedarAnswers {
  try {
    const text = readOwn(file)
    const end = text.indexOf('\n')
    const body = text.slice(end + 1)
    return text.slice(0, end) === heading(versions, body) ? (JSON.parse(body) as CedarAnswers) : NOTHING
  } catch {
    return NOTHING
  }
}

function readOwn(file: string): string {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | (constants.O_NOFOLLOW ?? 0))
  try {
    const { mode, uid } = fstatSync(descriptor)
    const foreign = process.platform !== 'win32' && ((mode & OTHERS) !== 0 || uid !== process.geteuid?.())
    if (foreign) throw new Error('this file is not ours alone')
    return readFileSync(descriptor, 'utf8')
  } finally {
    closeSync(descriptor)
  }
}
