/** Puts a page of ours into an answer of the protocol library. */
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Answer } from '../../core/exchange.ts'

export function show(context: KoaContextWithOIDC, { status, headers, page }: Answer): void {
  context.status = status
  context.set({ ...headers })
  context.body = page
}

/** The secret of the library's own forms, which stands in the session; empty when there is none. */
export function formSecret(context: KoaContextWithOIDC): string {
  const state: unknown = (context.oidc.session as { readonly state?: unknown } | undefined)?.state
  const secret = typeof state === 'object' && state !== null && 'secret' in state ? state.secret : undefined
  return typeof secret === 'string' ? secret : ''
}
