/** An authority that is never written down: it signs for the hosts of one sandbox, and ends with it. */
import { Secret } from '../core/secret.ts'

export interface PassingAuthority {
  /** PEM. */
  readonly certificate: string
  /** A certificate for one host name, and its key, both PEM; a new one each time. */
  mintLeaf(host: string): Promise<{ readonly certificate: string; readonly key: string }>
}

const LEAF_DAYS = 2

/** `days`: how long the sandbox may live. `clock` in milliseconds since the epoch. */
export async function passingAuthority(days: number, clock: { now(): number }): Promise<PassingAuthority> {
  const { issueAuthority, issueServer } = await import('./issue.ts')
  const { certificate, key } = await issueAuthority('Portcullis sandbox egress', days, clock.now())
  const secret = new Secret(key)
  return {
    certificate,
    mintLeaf: (host) => issueServer({ certificate, key: secret.reveal() }, [host], LEAF_DAYS, clock.now()),
  }
}
