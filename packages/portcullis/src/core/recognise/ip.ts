/** Decides which characters are the address of a machine: four numbers up to 255, or the groups of IPv6 (RFC 4291 §2.2). */
import { isIPv4, isIPv6 } from 'node:net'
import { findAll } from './find-all.ts'
import type { Find } from './kinds.ts'

const CANDIDATE =
  /(?<![\w.:-])(?:\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)|(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{3,45}(?:\.\d{1,3}){0,3}(?![\w:]))/g

export const findIps: Find = (text) =>
  findAll(text, 'ip', CANDIDATE, (found) => isIPv4(found) || (found.includes(':') && found.length > 4 && isIPv6(found)))
