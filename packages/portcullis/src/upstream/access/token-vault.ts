/** The port to the vault: what it gives was sealed at rest, what it takes will be. */
import type { Secret } from '../../core/secret.ts'

export interface CredentialName {
  readonly tenant: string
  readonly upstream: string
  readonly principal?: string
  readonly kind: 'static' | 'oauth' | 'client'
}

export interface TokenVault {
  get(name: CredentialName): Promise<{ readonly value: Secret; readonly revision: string } | undefined>
  put(name: CredentialName, value: Secret): Promise<string>
  /** Undefined when somebody else has changed it since it was read. */
  replace(name: CredentialName, value: Secret, revision: string): Promise<string | undefined>
  remove(name: CredentialName, revision?: string): Promise<boolean>
  /** Of a tenant; `updatedAt` in milliseconds since the epoch. */
  list(tenant: string): Promise<readonly (CredentialName & { readonly updatedAt: number })[]>
}
