/** Keeps key-encryption keys in the keychain of the system, through the platform's own programs. */
import { KeyServiceError } from './key-encryption.ts'
import type { PrivateText } from './local-keys.ts'

/** Runs a program with this input. Rejects when it cannot be run or takes too long. */
export type RunProgram = (
  program: string,
  args: readonly string[],
  input: string,
) => Promise<{ readonly status: number; readonly out: string; readonly err: string }>

export interface KeychainParts {
  readonly platform: string
  /** Tells apart what several gateways keep in one keychain. */
  readonly account: string
  readonly run: RunProgram
}

const SERVICE = 'portcullis-key-encryption'
/** What `security` ends with when there is no such item (errSecItemNotFound, as a byte). */
const NO_ITEM = 44

/** Throws KeyServiceError where the platform has no keychain that we know of. */
export function keychain({ platform, account, run }: KeychainParts): PrivateText {
  if (platform === 'linux') return linux(account, run)
  if (platform === 'darwin') return mac(account, run)
  throw new KeyServiceError('refused', `there is no keychain for ${platform}; use the driver file`)
}

/** `secret-tool` of libsecret; the secret goes in by its input. */
function linux(account: string, run: RunProgram): PrivateText {
  const attributes = ['service', SERVICE, 'account', account]
  return {
    async read() {
      const { status, out, err } = await reached(run('secret-tool', ['lookup', ...attributes], ''))
      if (status === 0 && out !== '') return unfolded(out)
      // Status 1 means that there is nothing, and that it could not look; only then it says something.
      if (status === 1 && out === '' && err === '') return undefined
      throw new KeyServiceError('unavailable', 'the keychain cannot be read (secret-tool)')
    },
    async write(text) {
      const args = ['store', '--label=Portcullis key-encryption keys', ...attributes]
      const { status } = await reached(run('secret-tool', args, folded(text)))
      if (status !== 0) throw new KeyServiceError('unavailable', 'the keychain cannot be written (secret-tool)')
    },
  }
}

/** `security` of macOS. It takes commands from its input (`-i`), so that no process list shows the secret. */
function mac(account: string, run: RunProgram): PrivateText {
  const item = ['-a', account, '-s', SERVICE]
  return {
    async read() {
      const { status, out } = await reached(run('security', ['find-generic-password', ...item, '-w'], ''))
      if (status === NO_ITEM) return undefined
      if (status !== 0) throw new KeyServiceError('unavailable', `the keychain cannot be read (security, ${status})`)
      return unfolded(out)
    },
    async write(text) {
      const command = `add-generic-password -U ${item.join(' ')} -w ${folded(text)}\n`
      await reached(run('security', ['-i'], command))
      // The interactive program ends well whatever its commands did.
      if ((await this.read()) !== text)
        throw new KeyServiceError('unavailable', 'the keychain cannot be written (security)')
    },
  }
}

async function reached<T>(running: Promise<T>): Promise<T> {
  try {
    return await running
  } catch (cause) {
    throw new KeyServiceError('unavailable', 'the program of the keychain cannot be run', cause)
  }
}

/** One word of harmless characters, as neither program takes several lines. */
const folded = (text: string): string => Buffer.from(text, 'utf8').toString('base64url')
const unfolded = (out: string): string => Buffer.from(out.trim(), 'base64url').toString('utf8')
