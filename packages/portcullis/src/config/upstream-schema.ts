/** `upstreams`: the MCP servers behind the gateway, as a process of ours, over HTTP, or as a place for snippets of code. */
import { z } from 'zod'
import { exchange, oauth, vault } from './access-schema.ts'
import { count, exactlyOne, headerName, isMap, path, seconds, secretSource, text, variableName } from './fields.ts'
import { code } from './code-schema.ts'
import { trust } from './definitions-schema.ts'
import { upstreamInspection } from './inspection-schema.ts'
import { upstreamMasking } from './masking-schema.ts'
import { isLoopback } from './loopback.ts'
import { payloads } from './retention-schema.ts'
import { sandbox } from './sandbox-schema.ts'
import { upstreamSignatures } from './signature-schema.ts'
import { upstreamValidation } from './validation-schema.ts'

const deadlines = z.strictObject({
  startSeconds: seconds(1, 600).default(30).describe('From the start of the process to its answer to the handshake.'),
  callSeconds: seconds(1, 86_400)
    .optional()
    .describe('One call, however much progress it reports. Default, and never longer than: `limits.callSeconds`.'),
  idleSeconds: seconds(1, 86_400).default(600).describe('A process without calls ends after this.'),
  lifeSeconds: seconds(1, 2_592_000)
    .default(86_400)
    .describe('A process ends after this and is started anew when needed.'),
})

const stdio = z
  .strictObject({
    command: path.describe('Program to run; a bare name is looked up in the usual folders inside the sandbox.'),
    args: z
      .array(z.string())
      .max(200)
      .default([])
      .describe('Its arguments. There is no shell: each is passed on as it is.'),
    env: z
      .record(
        variableName,
        z.union([z.string(), secretSource]).meta({ title: 'text, { env: NAME } or { file: path }' }),
      )
      .default({})
      .describe(
        'The whole environment of the server; nothing is inherited. Weakness: a secret here can be read by the server.',
      ),
    cwd: path.optional().describe('Folder in which it starts. It has to be visible in the sandbox.'),
    sandbox: sandbox.prefault({}),
    process: z
      .enum(['per-principal', 'per-tenant', 'shared'])
      .default('per-principal')
      .describe(
        'Who shares a process. Weakness: with `per-tenant` the principals of a tenant meet in the memory of one server, with `shared` all tenants.',
      ),
    warm: count(0, 64)
      .default(0)
      .describe('Processes that wait, started, for whoever comes first. Each has the memory of a running one.'),
    deadlines: deadlines.prefault({}).describe('When a call or the process is ended.'),
  })
  .refine(({ warm, sandbox: walls }) => warm === 0 || walls.volumes.length === 0, {
    path: ['warm'],
    message: 'a process that waits cannot have the volumes of a principal whom it does not know yet',
    when: hasWalls,
  })

const http = z
  .strictObject({
    url: z
      .string()
      .regex(/^https?:\/\/[^\s#@]+$/)
      .meta({ title: 'an https URL of an MCP endpoint, without user or fragment' })
      .describe('MCP endpoint (Streamable HTTP).'),
    plaintext: z
      .literal('loopback-only')
      .optional()
      .describe('Weakness. Allows an http URL, which is possible on a loopback address only.'),
    headers: z
      .record(headerName, secretSource)
      .default({})
      .describe('Headers with credentials. A header of the same name that a client sends never passes.'),
    oauth: oauth.optional().describe('The gateway is an OAuth client of this upstream and keeps the tokens.'),
    exchange: exchange
      .optional()
      .describe('The token of each caller is exchanged for one of this upstream (RFC 8693).'),
    vault: vault.optional().describe('A secret of each tenant or principal, from the vault.'),
    tls: z
      .strictObject({
        ca: path.optional().describe('Authorities to trust instead of the usual ones, PEM.'),
        ...upstreamValidation,
      })
      .prefault({})
      .describe('How the certificate of the upstream is judged. TLS 1.3 only.'),
    maxConnections: count(1, 1024).default(64).describe('Connections to this upstream.'),
  })
  .refine((value) => !plain(value.url) || value.plaintext !== undefined, {
    path: ['url'],
    message: 'an http URL needs plaintext: loopback-only',
    when: isMap,
  })
  .refine((value) => [value.oauth, value.exchange, value.vault].filter((one) => one !== undefined).length <= 1, {
    message: 'takes only one of oauth, exchange, vault',
    when: isMap,
  })
  .refine((value) => !has(value.headers, managedHeader(value)), {
    path: ['headers'],
    message: 'holds the header that oauth, exchange or vault sets',
    when: isMap,
  })
  .refine((value) => !plain(value.url) || isLoopback(hostOf(value.url)), {
    path: ['url'],
    message: 'http is possible to a loopback address only',
    when: isMap,
  })

const rule = exactlyOne<{ stdio?: unknown; http?: unknown; code?: unknown }>('stdio', 'http', 'code')

export const upstream = z
  .strictObject({
    stdio: stdio.optional().describe('A program that speaks MCP over its standard input and output.'),
    http: http.optional().describe('A server that speaks MCP over HTTP.'),
    code: code.optional().describe('Tools that run snippets of code, each in a sandbox of its own.'),
    era: z
      .enum(['auto', 'modern', 'legacy'])
      .default('auto')
      .describe('Protocol era: `modern` is 2026-07-28, `legacy` the revisions of 2025, `auto` asks the upstream.'),
    senderConstrained: z
      .enum(['required', 'optional'])
      .default('optional')
      .describe(
        '`required`: only credentials that are bound to a key or a certificate open it, and the aggregate path beside it.',
      ),
    signatures: upstreamSignatures
      .optional()
      .describe('Signed messages (RFC 9421): from callers, to them, to the upstream and from it.'),
    inspection: upstreamInspection
      .prefault({})
      .describe('What follows from what is found in its arguments and results, and what its arguments mean.'),
    masking: upstreamMasking
      .optional()
      .describe('What is done about secrets and personal data in its arguments and results.'),
    payloads,
    trust,
    title: text.optional().describe('Name for people.'),
    required: z
      .boolean()
      .default(false)
      .describe('`/readyz` says that the gateway is not ready while this upstream could not be started.'),
  })
  .refine(rule.check, rule.params)
  .meta({ title: 'an upstream with one of stdio, http and code' })

function has(headers: unknown, name: string | undefined): boolean {
  return typeof headers === 'object' && headers !== null && name !== undefined && Object.hasOwn(headers, name)
}

/** Two credentials in one header would be none of our saying. */
function managedHeader({ oauth: client, exchange: swap, vault: deposit }: Readonly<Record<string, unknown>>) {
  if (client !== undefined || swap !== undefined) return 'authorization'
  if (typeof deposit !== 'object' || deposit === null || !('header' in deposit)) return undefined
  return typeof deposit.header === 'string' ? deposit.header : undefined
}

function plain(url: unknown): boolean {
  return typeof url === 'string' && url.startsWith('http://')
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : ''
}

function hasWalls(payload: { readonly value: unknown }): boolean {
  const walls = isMap(payload) ? (payload.value as { sandbox?: { volumes?: unknown } }).sandbox : undefined
  return Array.isArray(walls?.volumes)
}
