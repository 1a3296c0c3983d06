/** `upstreams.<name>.http.oauth`, `.exchange` and `.vault`: credentials for an upstream that are not the same for everybody. */
import { z } from 'zod'
import { address, isMap, headerName, path, roleName, secretSource, text } from './fields.ts'
import { isLoopback } from './loopback.ts'

const scope = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/)
  .meta({ title: 'an OAuth scope without spaces' })

const httpUrl = z
  .string()
  .regex(/^https?:\/\/[^\s#@]+$/)
  .meta({ title: 'an https URL without user or fragment' })

const tenant = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\p{Cc}]+$/u)
  .meta({ title: 'the name of a tenant' })

const plaintext = z
  .literal('loopback-only')
  .optional()
  .describe('Weakness. Allows http URLs of authorization servers, which are possible on a loopback address only.')

const reach = {
  plaintext,
  privateNetworks: z
    .array(address)
    .max(50)
    .default([])
    .describe('Networks of this house in which authorization servers may be. All others inside are refused.'),
  ca: path.optional().describe('Authorities to trust beside the usual ones when asking authorization servers, PEM.'),
}

/** Plain http needs its own word, and a loopback address. */
const safeUrl = (value: unknown, allowed: unknown): boolean => {
  if (typeof value !== 'string' || !value.startsWith('http://')) return true
  return allowed !== undefined && URL.canParse(value) && isLoopback(new URL(value).hostname)
}

const client = z
  .strictObject({
    id: text.describe('Client id at the authorization server.'),
    secret: secretSource.optional().describe('Its secret; none for a public client.'),
  })
  .describe('A client that was registered beforehand. It is shown to `issuer` only, which is needed then.')

export const oauth = z
  .strictObject({
    mode: z
      .enum(['per-user', 'shared'])
      .describe('`per-user`: each principal consents for itself. `shared`: each tenant has one grant.'),
    grant: z
      .enum(['authorization-code', 'client-credentials'])
      .default('authorization-code')
      .describe('How a grant is obtained: a person consents, or the gateway asks for itself (`shared` only).'),
    issuer: httpUrl
      .optional()
      .describe('The only authorization server to deal with. Default: what the upstream names.'),
    client: client.optional(),
    registration: z
      .enum(['client-document', 'dynamic'])
      .default('client-document')
      .describe(
        'Without `client`: the gateway presents the document at `/connect/client/NAME.json`, or it registers itself (RFC 7591).',
      ),
    document: httpUrl
      .optional()
      .describe(
        'Where the client document is, when authorization servers cannot reach the one at `/connect/client/NAME.json`.',
      ),
    scopes: z.array(scope).max(100).default([]).describe('Asked for in any case. Default: what the upstream says.'),
    connectors: z
      .array(roleName)
      .max(50)
      .default(['admin', 'administrator'])
      .describe('With `shared`: roles that may consent for their tenant.'),
    visitor: z
      .enum(['proved', 'anyone-with-the-link'])
      .default('proved')
      .describe(
        'Who may use a link to connect: only who proves to be its principal. Weakness: with `anyone-with-the-link` a person can be talked into connecting an account for somebody else.',
      ),
    lister: tenant.default('default').describe('Tenant whose grants the gateway uses to read the list of tools.'),
    ...reach,
  })
  .refine((value) => value.client === undefined || value.issuer !== undefined, {
    path: ['client'],
    message: 'client needs issuer, so that it is never shown to another',
    when: isMap,
  })
  .refine((value) => value.grant !== 'client-credentials' || (value.mode === 'shared' && value.client !== undefined), {
    path: ['grant'],
    message: 'client-credentials needs mode: shared and a client',
    when: isMap,
  })
  .refine((value) => safeUrl(value.issuer, value.plaintext), {
    path: ['issuer'],
    message: 'an http URL needs plaintext: loopback-only and a loopback address',
    when: isMap,
  })

export const exchange = z
  .strictObject({
    issuer: httpUrl.describe('Authorization server that exchanges tokens.'),
    tokenEndpoint: httpUrl.describe('Its token endpoint. The caller’s token is sent there and nowhere else.'),
    client: z
      .strictObject({ id: text.describe('Client id.'), secret: secretSource.describe('Its secret.') })
      .describe('Who the gateway is there.'),
    resource: httpUrl.optional().describe('Resource that the token is to be for (RFC 8707).'),
    audience: text.optional().describe('Audience that the token is to be for, where the server knows no resources.'),
    scopes: z.array(scope).max(100).default([]).describe('Scopes of the new token.'),
    ...reach,
  })
  .refine((value) => safeUrl(value.issuer, value.plaintext) && safeUrl(value.tokenEndpoint, value.plaintext), {
    path: ['tokenEndpoint'],
    message: 'an http URL needs plaintext: loopback-only and a loopback address',
    when: isMap,
  })
  .refine((value) => value.resource !== undefined || value.audience !== undefined, {
    message: 'needs resource or audience, so that the token is good for one place only',
    when: isMap,
  })

export const vault = z.strictObject({
  of: z
    .enum(['principal', 'tenant'])
    .describe('Whose secret it is. Deposited with `portcullis credential set`; without one nothing is called.'),
  header: headerName.default('authorization').describe('Header that carries it.'),
  scheme: z
    .string()
    .regex(/^[A-Za-z0-9-]{0,32}$/)
    .meta({ title: 'a scheme such as Bearer, or nothing' })
    .default('Bearer')
    .describe('What stands before the secret; empty for nothing.'),
  lister: tenant.default('default').describe('Tenant whose secrets the gateway uses to read the list of tools.'),
})
