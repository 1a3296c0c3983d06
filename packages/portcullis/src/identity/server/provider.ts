/** The protocol library over our store. It is loaded here, so a gateway without this server never loads it. */
import type { Provider } from 'oidc-provider'
import { addAssertionGrant } from './assertion/assertion-grant.ts'
import { Happenings } from './happenings.ts'
import { modelParts } from './model-parts.ts'
import { protocolConfiguration } from './protocol-configuration.ts'
import type { ServerSettings } from './settings.ts'
import { isClientSecret } from './stored-clients.ts'
import type { StoredModelParts } from './stored-model.ts'
import type { TokenHandles } from './token-handles.ts'

export interface ProtocolEngine {
  readonly provider: Provider
  readonly happenings: Happenings
  readonly models: StoredModelParts
}

/** Rejects when the library cannot work with these settings. */
export async function protocolEngine(settings: ServerSettings, handles: TokenHandles): Promise<ProtocolEngine> {
  const oidc = await import('oidc-provider')
  const models = modelParts(settings, oidc.errors)
  const parts = { settings, errors: oidc.errors, policy: oidc.interactionPolicy, models, handles }
  const provider = new oidc.Provider(settings.issuer, protocolConfiguration(parts))
  // What a request says of itself is replaced on its way here by what is known of it, so it may be believed.
  provider.proxy = true
  provider.silent = true
  addAssertionGrant(provider, settings, oidc.errors)
  provider.Client.prototype.compareClientSecret = async function compare(
    this: { clientSecret?: string },
    secret: string,
  ) {
    return this.clientSecret !== undefined && isClientSecret(this.clientSecret, secret)
  }
  return { provider, happenings: new Happenings(provider), models }
}
