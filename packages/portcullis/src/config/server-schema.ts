/** `identity.server`: the authorization server inside the gateway. */
import { z } from 'zod'
import { assertions } from './assertion-schema.ts'
import { address, count, path, seconds, text } from './fields.ts'
import { providers, signIn } from './sign-in-schema.ts'

const DAY_SECONDS = 86_400

const scopeName = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/)
  .meta({ title: 'an OAuth scope: visible ASCII without space, quote and backslash' })

const documentHost = z
  .string()
  .regex(/^(?:\*|[a-z0-9.-]{1,253}(?::\d{1,5})?)$/)
  .meta({ title: 'a host name in lower case, or * for every public host' })

const clientDocuments = z.strictObject({
  hosts: z
    .array(documentHost)
    .max(100)
    .default([])
    .describe(
      'Hosts whose documents introduce a client (client-id metadata documents); `*` for every public host. None by default: then only clients that `portcullis client add` made are known.',
    ),
  privateNetworks: z
    .array(address)
    .max(50)
    .default([])
    .describe(
      'Networks of your own from which documents may be fetched too. Others than public addresses get no request.',
    ),
  ca: path.optional().describe('Authorities to trust for these hosts beside the usual ones, PEM.'),
})

const registration = z.strictObject({
  tenant: text
    .default('default')
    .describe('Tenant under which these clients are listed. Accounts of all tenants may use them.'),
  maxClients: count(1, 100_000).default(1000).describe('How many there may be.'),
})

export const server = z.strictObject({
  scopes: z
    .record(scopeName, text)
    .default({ mcp: 'Use the tools of this server on your behalf' })
    .describe(
      'Scopes that a person can consent to, each with a sentence for people. The first is that of a client that asks for none. Scopes of `identity.scopes` are offered too.',
    ),
  accessTokenSeconds: seconds(30, 3600).default(300).describe('Life of an access token.'),
  refreshIdleSeconds: seconds(60, 90 * DAY_SECONDS)
    .default(14 * DAY_SECONDS)
    .describe('After so long without use a refresh token is worth nothing. Each use replaces it.'),
  consentSeconds: seconds(60, 365 * DAY_SECONDS)
    .default(90 * DAY_SECONDS)
    .describe('After so long a person has to consent again, however often the token was refreshed.'),
  sessionSeconds: seconds(60, 30 * DAY_SECONDS)
    .default(8 * 3600)
    .describe('How long a browser stays signed in.'),
  keyDays: count(1, 365)
    .default(30)
    .describe('How long one key signs tokens. The one before is believed for as long again.'),
  signIn,
  providers,
  clientDocuments: clientDocuments
    .prefault({})
    .describe('Clients that introduce themselves by a document at an https URL.'),
  registration: registration
    .optional()
    .describe(
      'Clients may register themselves (RFC 7591), each an entry that nobody has asked for. Default: they may not.',
    ),
  assertions: assertions.optional().describe('Default: assertions of others are not taken.'),
})
