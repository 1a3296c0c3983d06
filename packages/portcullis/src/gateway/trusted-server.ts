/** What is asked of a server that the gateway calls for itself: its own authorities, where it has some, and proof of its whole chain. */
import { readFileSync } from 'node:fs'
import type { Prover, ProveServer } from '../core/tls-agent.ts'

export interface Trust {
  /** PEM; absent where the usual authorities are trusted. */
  readonly ca?: string
  readonly prove: ProveServer
}

/** `about` says in the log who is asked. `file` holds the authorities; throws the system's error when it cannot be read. */
export const trustedServer = (prover: Prover, about: string, file: string | undefined): Trust =>
  trusting(prover, about, file === undefined ? undefined : readFileSync(file, 'utf8'))

/** As `trustedServer`, for authorities that were read already, PEM. */
export const trusting = (prover: Prover, about: string, ca: string | undefined): Trust => ({
  ...(ca !== undefined && { ca }),
  prove: prover(about, ca === undefined ? [] : [ca]),
})
