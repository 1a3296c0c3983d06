/** Decides whose client-id metadata documents are fetched and believed (CIMD), and from where. */
import type { ClientDocuments } from './settings.ts'
import { strangerMetadata } from './client-metadata.ts'

/** Whether a client of this id may introduce itself by a document: an https URL on a host that is trusted for it. */
export function isTrustedDocument(clientId: string, hosts: readonly string[]): boolean {
  const url = URL.parse(clientId)
  if (url === null || url.protocol !== 'https:' || url.username !== '' || url.password !== '') return false
  if (url.pathname === '/' || url.hash !== '') return false
  return hosts.includes('*') || hosts.includes(url.host)
}

/**
 * What the protocol library fetches with: the guard decides about addresses, nothing is redirected, and a document is
 * passed on in its sound form, which names the grants of strangers and `furtherGrants` at most.
 */
export function documentFetch(
  { hosts, fetch }: ClientDocuments,
  furtherGrants: readonly string[] = [],
): typeof globalThis.fetch {
  return async (input, init) => {
    const url = String(input instanceof Request ? input.url : input)
    const answer = await fetch(url, { method: 'GET', headers: Object.fromEntries(new Headers(init?.headers)) })
    if (!isTrustedDocument(url, hosts) || answer.status !== 200) return answer
    const content = JSON.parse(await answer.text()) as { readonly client_id?: unknown } | null
    // The keys of a client are fetched by this way too; only a document names its own address.
    const metadata = content?.client_id === url ? strangerMetadata({ ...content }, furtherGrants) : content
    const headers = new Headers()
    for (const name of ['cache-control', 'expires']) {
      const value = answer.headers.get(name)
      if (value !== null) headers.set(name, value)
    }
    return new Response(JSON.stringify(metadata), { status: 200, headers })
  }
}
