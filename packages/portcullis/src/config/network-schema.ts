/** `sandbox.network`: which hosts a confined program may reach, and how much it may carry there. */
import { z } from 'zod'
import { checkHostRule, matchesHostRule } from '../core/host-rule.ts'
import { count, headerName, isMap, secretSource, seconds } from './fields.ts'

const TLS_PORT = 443

const port = count(1, 65_535)

const host = z
  .string()
  .superRefine((text, context) => {
    const problem = checkHostRule(text)
    if (problem !== undefined) context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} ${problem}` })
  })
  .meta({ title: 'a host name in lower case such as api.example.com, or *.example.com for all names below it' })

const method = z
  .string()
  .regex(/^[A-Z]{3,20}$/)
  .meta({ title: 'an HTTP method such as GET' })

const FRAMING = /^(?:host|content-length|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|proxy-.*)$/

const credential = z
  .strictObject({
    header: headerName
      .refine((name) => !FRAMING.test(name), { message: 'says where a request ends or whom it is for' })
      .describe('Header that carries it, such as `authorization`.'),
    value: secretSource.describe('Its whole value, such as `Bearer …`.'),
  })
  .describe(
    'A header that the gateway puts into each request. The program never sees it, and what it sends there is dropped.',
  )

type Rule = {
  readonly ports: readonly number[]
  readonly methods?: unknown
  readonly credential?: unknown
  readonly tls?: unknown
}

/** Inside a tunnel that nobody opens there is no method to be seen, and no place for a header. */
const isBlind = (rule: Rule): boolean => rule.tls === undefined && rule.ports.includes(TLS_PORT)

const rule = z
  .strictObject({
    host: host.describe('Host name, or `*.` and a name of two labels at least.'),
    ports: z.array(port).min(1).max(20).default([TLS_PORT]).describe('Ports of this host.'),
    methods: z
      .array(method)
      .min(1)
      .max(20)
      .optional()
      .describe('HTTP methods, for plain HTTP and for TLS that is opened. Default: all.'),
    private: z
      .literal('allowed')
      .optional()
      .describe('Weakness: the name may lead to private and loopback addresses, such as services of this machine.'),
    credential: credential.optional(),
    tls: z
      .literal('opened')
      .optional()
      .describe(
        "Weakness: the gateway reads and changes the program's TLS to this host, with an authority of this one sandbox.",
      ),
  })
  .refine((value) => value.methods === undefined || !isBlind(value), {
    path: ['methods'],
    message: `methods cannot be seen inside TLS; write tls: opened, or leave port ${TLS_PORT} out`,
    when: hasPorts,
  })
  .refine((value) => value.credential === undefined || !isBlind(value), {
    path: ['credential'],
    message: `nothing can be put into TLS; write tls: opened, or leave port ${TLS_PORT} out`,
    when: hasPorts,
  })

export const network = z
  .strictObject({
    mode: z
      .enum(['transparent', 'explicit'])
      .default('transparent')
      .describe('`transparent` serves every program; `explicit` only those that use the proxy they are told of.'),
    allow: z
      .array(rule)
      .min(1)
      .max(200)
      .describe('Hosts that may be reached. Every other one is refused and recorded.'),
    maxMiB: count(1, 1_048_576).default(1024).describe('Bytes of all connections together, in the life of a process.'),
    connections: count(1, 4096).default(64).describe('Connections at the same time.'),
    connectSeconds: seconds(1, 120).default(10).describe('Until a host has taken a connection.'),
    idleSeconds: seconds(1, 86_400).default(120).describe('A connection without a byte in either direction ends.'),
  })
  .superRefine((value, context) => {
    for (const [index, later] of value.allow.entries()) {
      const earlier = value.allow.slice(0, index).find((other) => covers(other, later))
      if (earlier === undefined) continue
      const message =
        earlier.host === later.host
          ? `${later.host} has a rule for one of these ports already; make it one rule`
          : `${earlier.host} before it decides about ${later.host} and one of these ports; put the narrower rule first`
      context.addIssue({ code: 'custom', path: ['allow', index], message })
    }
  })
  .describe('Hosts that the program may reach through the gateway. Without it there is no network at all.')

/** The first rule that matches counts, so what a later one says of the same place would never be in force. */
function covers(earlier: { host: string; ports: number[] }, later: { host: string; ports: number[] }): boolean {
  return matchesHostRule(earlier.host, later.host) && earlier.ports.some((each) => later.ports.includes(each))
}

function hasPorts(payload: { readonly value: unknown }): boolean {
  return isMap(payload) && Array.isArray((payload.value as Rule).ports)
}
