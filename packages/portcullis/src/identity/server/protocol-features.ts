/** Decides which flows there are: what is not named here, and is not a default of OAuth 2.1, does not exist. */
import type { Client, Configuration, errors as Errors } from 'oidc-provider'
import { isTrustedDocument } from './client-documents.ts'
import { deviceConfirmPage, deviceDonePage, deviceInputPage } from './device-pages.ts'
import { resourceServers } from './resource-servers.ts'
import type { ServerSettings } from './settings.ts'
import { show } from './show.ts'
import { signOutDonePage, signOutPage } from './sign-out-pages.ts'

export function protocolFeatures(settings: ServerSettings, errors: typeof Errors): Configuration['features'] {
  const { documents, registration, keys } = settings
  return {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    clientCredentials: { enabled: true },
    revocation: { enabled: true, allowedPolicy: isOwn },
    introspection: { enabled: true, allowedPolicy: isOwn },
    pushedAuthorizationRequests: { enabled: true },
    dPoP: { enabled: true, nonceSecret: keys.nonces, requireNonce: () => false },
    resourceIndicators: { enabled: true, ...resourceServers(settings, errors) },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (context) => show(context, signOutPage(context)),
      postLogoutSuccessSource: (context) => show(context, signOutDonePage()),
    },
    deviceFlow: DEVICE_FLOW,
    clientIdMetadataDocument: {
      enabled: documents.hosts.length > 0,
      ack: 'draft-02',
      allowFetch: (_context, clientId) => isTrustedDocument(clientId, documents.hosts),
      allowClient: (_context, client) => isTrustedDocument(client.clientId, documents.hosts),
    },
    registration: { enabled: registration !== undefined, issueRegistrationAccessToken: false },
  }
}

/** A client learns of its own tokens, and ends them; those of others are unknown to it. */
const isOwn = async (_context: unknown, client: Client, token: { readonly clientId?: string | undefined }) =>
  token.clientId === client.clientId

/** No address and no program of the device is kept: they would prove nothing. */
const DEVICE_FLOW: NonNullable<Configuration['features']>['deviceFlow'] = {
  enabled: true,
  charset: 'base-20',
  mask: '****-****',
  deviceInfo: () => ({}),
  userCodeInputSource: (context, _form, _out, error) => show(context, deviceInputPage(context, error)),
  userCodeConfirmSource: (context, _form, client, _info, userCode) =>
    show(context, deviceConfirmPage(context, client, userCode)),
  successSource: (context) => show(context, deviceDonePage()),
}
