/** `identity` and `policy`: who may prove to be somebody, and where it is written what they may do. */
import { z } from 'zod'
import { algorithms, claim, issuerId, jwksUri, rolesByClaims, tenantByClaims } from './claims-schema.ts'
import { server } from './server-schema.ts'
import { name, path, roleName, seconds, text } from './fields.ts'
import { certificates, dpop, introspection, scopes, senderConstrained } from './sender-schema.ts'
import { signatures } from './signature-schema.ts'
import { builtin } from './tenant-schema.ts'

const audienceList = z.array(text).min(1).max(50)

const issuer = z.strictObject({
  issuer: issuerId,
  jwksUri,
  algorithms,
  audiences: z
    .union([
      audienceList,
      z.strictObject({
        aggregate: audienceList.optional().describe('For `/mcp`.'),
        administration: audienceList.optional().describe('For `/admin`.'),
        upstreams: z.record(name, audienceList).default({}).describe('For `/mcp/NAME`, by the names of upstreams.'),
      }),
    ])
    .meta({ title: 'a list of audiences, or { aggregate, administration, upstreams }' })
    .optional()
    .describe(
      'Accepted audiences in place of the resource identifier of the path that is called (RFC 8707), which is the default. A list counts for all paths. By path, a token is good where its audience is listed and nowhere else; a path that is left out takes its own identifier.',
    ),
  tenant: tenantByClaims,
  roles: rolesByClaims,
  everyone: z.array(roleName).default([]).describe('Roles of everybody whom this issuer knows.'),
  subjectClaim: claim.optional().describe('Claim that names the principal. Default: `sub`.'),
  scopesClaim: claim.optional().describe('Claim that holds the OAuth scopes. Default: `scope`.'),
  introspection: introspection
    .optional()
    .describe('Accepts opaque tokens of this issuer, about which it is asked (RFC 7662). One issuer can have it.'),
  ca: path.optional().describe('Authorities to trust for this issuer beside the usual ones, PEM.'),
  clockSkewSeconds: seconds(0, 60).default(30).describe('Tolerated difference of the clocks.'),
  jwksTtlSeconds: seconds(60, 86_400).default(600).describe('How long fetched keys are used.'),
  tokenType: z
    .enum(['at+jwt', 'any'])
    .default('at+jwt')
    .describe(
      'Demanded `typ` of the token (RFC 9068). Weakness: `any` also takes tokens that were made for something else.',
    ),
})

export const identity = z.strictObject({
  apiKeys: z
    .strictObject({ enabled: z.boolean().default(true).describe('Whether API keys are accepted.') })
    .prefault({})
    .describe('Keys that `portcullis key` issues.'),
  issuers: z.array(issuer).max(20).default([]).describe('Outside issuers whose access tokens are accepted.'),
  server: server
    .optional()
    .describe(
      'The authorization server inside the gateway, below `/auth`: people sign in here. Default: there is none.',
    ),
  scopes,
  dpop: dpop.prefault({}).describe('Proofs of possession for tokens that are bound to a key (RFC 9449).'),
  certificates,
  senderConstrained,
  signatures: signatures
    .optional()
    .describe('Signed requests and answers (RFC 9421). Default: signatures are not looked at.'),
})

export const policy = z.strictObject({
  files: z
    .array(path)
    .max(100)
    .default(['policies/*.cedar'])
    .describe('Cedar policies; `*` stands for any file name. What no policy permits is denied.'),
  roles: z
    .array(roleName)
    .max(1_000)
    .default(['admin', 'user'])
    .describe('Known roles. Policies and keys that name another one are refused.'),
  builtin,
})
