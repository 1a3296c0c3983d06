/** `anomalies`: when conduct is unusual, and what follows. */
import { z } from 'zod'
import { ANSWERS, LEVELS, type Level } from '../core/anomaly-words.ts'
import { address, count, isMap, roleName, seconds, text } from './fields.ts'

const scores = { low: 25, medium: 50, high: 75, critical: 90 } as const satisfies Record<Level, number>
const usual = { low: 'note', medium: 'alert', high: 'alert', critical: 'alert' } as const satisfies Record<
  Level,
  (typeof ANSWERS)[number]
>

const score = (level: Level) =>
  count(1, 100)
    .default(scores[level])
    .describe(`Score, of 100, from which conduct is unusual in the level \`${level}\`.`)

const answer = (level: Level) =>
  z
    .enum(ANSWERS)
    .default(usual[level])
    .describe(
      `What follows in the level \`${level}\`: \`note\` it for administrators, \`alert\` by a record, and for a while \`ask\` a person about each call, \`throttle\` or \`block\` the caller.${level === 'low' ? '' : ' Weakness: with `note` no record tells of it.'}`,
    )

const levels = z
  .strictObject({ low: score('low'), medium: score('medium'), high: score('high'), critical: score('critical') })
  .refine((value) => LEVELS.every((level, at) => at === 0 || value[level] > value[LEVELS[at - 1] as Level]), {
    message: 'each level must begin above the one before it',
    when: isMap,
  })

const answers = z
  .strictObject({ low: answer('low'), medium: answer('medium'), high: answer('high'), critical: answer('critical') })
  .refine(
    (value) => LEVELS.every((level, at) => at === 0 || rank(value[level]) >= rank(value[LEVELS[at - 1] as Level])),
    {
      message: 'a higher level must not be answered more mildly than a lower one',
      when: isMap,
    },
  )

const rank = (one: (typeof ANSWERS)[number]): number => ANSWERS.indexOf(one)

const learning = z.strictObject({
  days: count(1, 60).default(3).describe('Days on which it has to be seen.'),
  calls: count(10, 1_000_000).default(200).describe('Calls that have to be seen of it.'),
})

const throttle = z.strictObject({
  permits: count(1, 1_000_000).default(6).describe('Requests that are added in each period.'),
  perSeconds: seconds(1, 86_400).default(60).describe('Length of the period.'),
  burst: count(1, 1_000_000).default(3).describe('Requests that can be saved up.'),
})

const exempt = z.strictObject({
  roles: z
    .array(roleName)
    .max(100)
    .default(['admin', 'administrator'])
    .describe('Whoever has one of these is told of and never restricted. Weakness: any but those of administrators.'),
  principals: z
    .array(text)
    .max(1_000)
    .default([])
    .describe('Weakness: principals, such as `key:…`, that are told of and never restricted.'),
  networks: z
    .array(address)
    .max(1_000)
    .default(['127.0.0.0/8', '::1/128'])
    .describe('Addresses and networks that are never blocked for failed sign-ins.'),
})

export const anomalies = z.strictObject({
  watch: z
    .enum(['on', 'off'])
    .default('on')
    .describe('Weakness: with `off` nobody is told of unusual conduct, and canaries are tools like others.'),
  learning: learning
    .prefault({})
    .describe('When a caller, a tool or a tenant is known. Until then only rules hold that need no habits.'),
  levels: levels.prefault({}).describe('How unusual conduct is, by its score.'),
  answers: answers.prefault({}).describe('What follows. Tools and tenants are alerted of at most.'),
  holdSeconds: seconds(10, 604_800).default(900).describe('How long `ask`, `throttle` and `block` hold.'),
  throttle: throttle.prefault({}).describe('How much a caller may do that is throttled.'),
  repeatSeconds: seconds(1, 86_400)
    .default(600)
    .describe('The same alert about the same subject is recorded once in this time, with how often it happened.'),
  deniedPerMinute: count(1, 1_000_000)
    .default(30)
    .describe('Refused requests of one caller within a minute that are unusual of anybody.'),
  failedSignInsPerMinute: count(1, 1_000_000)
    .default(30)
    .describe('Failed sign-ins from one address within a minute that are unusual.'),
  canaries: z
    .array(
      z
        .string()
        .regex(/^(?:\*|[a-z][a-z0-9-]{0,31})\/[^\s/][^\s]{0,199}$/)
        .meta({ title: 'UPSTREAM/TOOL or */TOOL' }),
    )
    .max(1_000)
    .default([])
    .describe(
      'Tools that nobody should call, as `UPSTREAM/TOOL` or `*/TOOL`; they need not exist. A call is refused like one of an unknown tool and is of the highest level.',
    ),
  exempt: exempt.prefault({}).describe('Whom no answer may restrict.'),
  principals: count(100, 1_000_000)
    .default(100_000)
    .describe('Callers that are remembered; about 0.75 KB of memory each.'),
  tools: count(100, 1_000_000).default(20_000).describe('Tools that are remembered, counted for each tenant.'),
})
