/** Decides which text each covered part of a message has in the signature base (RFC 9421 §2.1, §2.2, §2.4). */
import { parseDictionary, serializeInnerList, serializeItem } from 'structured-headers'
import type { Component } from './component.ts'
import { SignatureProblem } from './problem.ts'

/** What of an HTTP message can be covered. */
export interface HttpView {
  /** Of the request. */
  readonly method: string
  readonly scheme: 'http' | 'https'
  /** In lower case, without the usual port of the scheme. */
  readonly authority: string
  /** As sent, never decoded. */
  readonly path: string
  /** Without `?`; empty when there is none. */
  readonly query: string
  /** `name` in lower case; values of several lines joined by a comma and a space. */
  readonly header: (name: string) => string | undefined
  /** Of an answer; absent for a request. */
  readonly status?: number
  /** Of an answer: the request that it is to. */
  readonly request?: HttpView
}

/** Throws SignatureProblem when the message has no such part, or one that could be read in two ways. */
export function valueOf(component: Component, view: HttpView): string {
  const of = component.ofRequest ? view.request : view
  if (of === undefined) throw absent(component)
  const value = component.name.startsWith('@') ? derived(component, of) : field(component, of)
  // A line break would be another line of the signature base.
  if (value.includes('\n')) throw absent(component)
  return value
}

/** RFC 9110 §4.2.3: the host in lower case, and no port where it is the usual one. */
export function authorityOf(host: string, scheme: HttpView['scheme']): string {
  const usual = scheme === 'https' ? ':443' : ':80'
  const lower = host.toLowerCase()
  return lower.endsWith(usual) ? lower.slice(0, -usual.length) : lower
}

function derived(component: Component, view: HttpView): string {
  if ((component.name === '@status') !== (view.status !== undefined)) throw absent(component)
  const path = view.path === '' ? '/' : view.path
  const query = view.query === '' ? '' : `?${view.query}`
  switch (component.name) {
    case '@method':
      return view.method
    case '@scheme':
      return view.scheme
    case '@authority':
      return view.authority
    case '@path':
      return path
    case '@query':
      return query === '' ? '?' : query
    case '@target-uri':
      return `${view.scheme}://${view.authority}${path}${query}`
    case '@request-target':
      return path + query
    case '@query-param':
      return queryParameter(component, view)
    default:
      return String(view.status)
  }
}

/** One that comes twice must not be covered by its name (RFC 9421 §2.2.8). */
function queryParameter(component: Component, { query }: HttpView): string {
  const all = [...new URLSearchParams(query)].filter(([name]) => percentEncoded(name) === component.parameter)
  const [only] = all
  if (only === undefined || all.length > 1) throw absent(component)
  return percentEncoded(only[1])
}

const percentEncoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()~]/g,
    (char) => `%${(char.codePointAt(0) as number).toString(16).toUpperCase()}`,
  )

function field(component: Component, view: HttpView): string {
  const value: unknown = view.header(component.name)
  // `constructor` is no header, and every object has one.
  if (typeof value !== 'string') throw absent(component)
  return component.member === undefined ? value.trim() : dictionaryMember(component, value)
}

function dictionaryMember(component: Component, value: string): string {
  try {
    const found = parseDictionary(value).get(component.member as string)
    if (found === undefined) throw absent(component)
    const [content, parameters] = found
    return Array.isArray(content) ? serializeInnerList([content, parameters]) : serializeItem([content, parameters])
  } catch {
    throw absent(component)
  }
}

const absent = ({ text }: Component): SignatureProblem => new SignatureProblem(`has no ${text.slice(0, 200)}`)
