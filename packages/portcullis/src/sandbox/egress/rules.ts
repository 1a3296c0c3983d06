/** Decides by name and port alone whether a host may be reached: the first rule that matches both is the one that counts. */
import { checkHostName, checkHostRule, matchesHostRule } from '../../core/host-rule.ts'
import { Fault } from '../../core/fault.ts'
import type { InjectedHeader, NetworkRule } from '../access.ts'
import { NOT_FORWARDED } from './http-head.ts'
import { Refused } from './refused.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}$/
const PRINTABLE = /^[\x20-\x7e]+$/

export class Rules {
  readonly #rules: readonly NetworkRule[]

  /** Throws `sandbox.start_failed` for a rule that would allow more than its words say, or nothing at all. */
  constructor(rules: readonly NetworkRule[], opensTls: boolean) {
    for (const rule of rules) checkRule(rule, opensTls)
    this.#rules = rules
  }

  /** The rule for a host as `hostName` gives it. Throws Refused `host` or `not-allowed`. */
  find(host: string | undefined, port: number): NetworkRule {
    if (host === undefined) throw new Refused('host')
    const rule = this.#rules.find((each) => each.ports.includes(port) && matchesHostRule(each.host, host))
    if (rule === undefined) throw new Refused('not-allowed')
    return rule
  }

  /** Whether some port of the host may be reached, so that its name may be answered. */
  knows(host: string): boolean {
    return this.#rules.some((rule) => matchesHostRule(rule.host, host))
  }
}

/**
 * The host that a client means, in lower case and without the dot that ends an absolute name (RFC 3986 §3.2.2); undefined
 * for anything that another program could take for another host: addresses in every spelling, user information, NUL,
 * blanks, letters beyond ASCII. Addresses have no rules, so there is nothing that they could match.
 */
export function hostName(text: string): string | undefined {
  // Before lower case is made: the sign for Kelvin becomes a k.
  if (!/^[\x21-\x7e]+$/.test(text)) return undefined
  const name = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase()
  return checkHostName(name) === undefined ? name : undefined
}

function checkRule(rule: NetworkRule, opensTls: boolean): void {
  const problem = checkHostRule(rule.host)
  if (problem !== undefined) refuse(rule, problem)
  if (rule.ports.length === 0) refuse(rule, 'has no ports')
  if (!rule.ports.every((port) => Number.isInteger(port) && port > 0 && port < 65_536)) refuse(rule, 'has a bad port')
  if (rule.methods !== undefined && !rule.methods.every((method) => TOKEN.test(method)))
    refuse(rule, 'has a bad method')
  if (rule.methods?.length === 0) refuse(rule, 'has no methods')
  if (rule.openTls === true && !opensTls) refuse(rule, 'opens TLS, and there is no authority for it')
  if (rule.inject !== undefined) checkInjected(rule, rule.inject)
}

function checkInjected(rule: NetworkRule, { name, value }: InjectedHeader): void {
  if (!TOKEN.test(name)) refuse(rule, 'has a bad header name')
  if (NOT_FORWARDED.has(name.toLowerCase()) || FRAMING.has(name.toLowerCase())) refuse(rule, 'may not set this header')
  if (!PRINTABLE.test(value.reveal())) refuse(rule, 'has a header value that is not printable ASCII')
}

/** Whoever sets these says where a request ends or whom it is for. */
const FRAMING = new Set(['host', 'content-length'])

function refuse({ host }: NetworkRule, problem: string): never {
  throw new Fault('sandbox.start_failed', { reason: `the network rule ${JSON.stringify(host)} ${problem}` })
}
