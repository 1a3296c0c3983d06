/** Decides for which resources tokens are issued (RFC 8707): ours and no others, each token for one of them. */
import type { errors as Errors, ResourceServer } from 'oidc-provider'
import type { ServerSettings } from './settings.ts'

export interface ResourceServers {
  /** Throws `invalid_target` for a resource that is not ours. */
  readonly getResourceServerInfo: (context: unknown, indicator: string) => ResourceServer
  readonly defaultResource: (context: unknown, client: unknown, oneOf?: readonly string[]) => string
  readonly useGrantedResource: () => boolean
}

export function resourceServers(settings: ServerSettings, errors: typeof Errors): ResourceServers {
  const { resources, lifetimes } = settings
  const [first] = resources.keys()
  return {
    getResourceServerInfo(_context, indicator) {
      if (!resources.has(indicator)) throw new errors.InvalidTarget('this resource is not served here')
      return {
        scope: scopesOf(settings, indicator).join(' '),
        audience: indicator,
        accessTokenFormat: 'jwt',
        accessTokenTTL: lifetimes.accessToken,
        jwt: { sign: { alg: 'ES256' } },
      }
    },
    // Of several that a consent covers, a token is for the first unless the client says which.
    defaultResource: (_context, _client, oneOf) => oneOf?.[0] ?? (first as string),
    useGrantedResource: () => true,
  }
}

/** A scope of one resource means nothing at another. */
function scopesOf({ scopes, ownScopes }: ServerSettings, indicator: string): readonly string[] {
  const own = ownScopes?.get(indicator)
  if (own !== undefined) return own
  const others = new Set([...(ownScopes?.values() ?? [])].flat())
  return [...scopes.keys()].filter((scope) => !others.has(scope))
}
