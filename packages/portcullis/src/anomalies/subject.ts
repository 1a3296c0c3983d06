/** Of whom something can be unusual, and where it is remembered. */
import { createHash } from 'node:crypto'
import type { Page, Place } from './layout.ts'

/** `network`: an address before anybody has signed in. It has no record, only a count. */
export const SUBJECT_KINDS = ['principal', 'tool', 'tenant', 'network'] as const

export type SubjectKind = (typeof SUBJECT_KINDS)[number]

/** A tool is named `upstream/tool` here. */
export interface SubjectName {
  readonly kind: SubjectKind
  /** Whose chain tells of it. */
  readonly tenant: string
  readonly name: string
}

const MAX_NAME_LENGTH = 512

/** The name by which somebody is remembered: a very long one by its digest, because who is remembered may choose it. */
export const shortName = (name: string): string =>
  name.length <= MAX_NAME_LENGTH ? name : `~${createHash('sha256').update(name).digest('hex')}`

/** 0: seen a few times. 1: seen often. 2: known well enough to be judged. Who is to give way is taken from the lowest. */
export type Tier = 0 | 1 | 2

/** One subject in a table. Whoever keeps one looks at `isKept` first: it may have given way to another. */
export class Subject implements Place {
  readonly tenant: string
  readonly name: string
  readonly page: Page
  readonly base: number
  isKept = true
  tier: Tier = 0
  /** In the order of their last calls, among those of its tenant and tier. */
  before: Subject | undefined
  after: Subject | undefined

  constructor(tenant: string, name: string, page: Page, base: number) {
    this.tenant = tenant
    this.name = name
    this.page = page
    this.base = base
  }
}

/** Subjects from the one that was quiet the longest to the one that was seen last. */
export class Queue {
  first: Subject | undefined
  last: Subject | undefined

  members(): readonly Subject[] {
    const members: Subject[] = []
    for (let at = this.first; at !== undefined; at = at.after) members.push(at)
    return members
  }

  push(subject: Subject): void {
    subject.before = this.last
    subject.after = undefined
    if (this.last === undefined) this.first = subject
    else this.last.after = subject
    this.last = subject
  }

  remove(subject: Subject): void {
    const { before, after } = subject
    if (before === undefined) this.first = after
    else before.after = after
    if (after === undefined) this.last = before
    else after.before = before
    subject.before = undefined
    subject.after = undefined
  }
}
