/** `backup`: for whom the gateway is copied, where to, and how often. */
import { z } from 'zod'
import { count, isMap, path, secretSource, text } from './fields.ts'

const HOURS_PER_YEAR = 8_760

export const backup = z
  .strictObject({
    recipients: z
      .array(
        z
          .string()
          .regex(/^age1[0-9a-z]{8,4000}$/)
          .meta({ title: 'a recipient of age, such as age1pq1…' }),
      )
      .max(16)
      .default([])
      .describe(
        'Who can open a backup: public recipients of age; `age1pq1…` resist quantum computers. Their identities belong on another machine.',
      ),
    folder: path.optional().describe('Where backups are put, best on another disk; each is a folder in it.'),
    privateKeys: z
      .enum(['included'])
      .optional()
      .describe('Weakness: `included` puts the private keys of the gateway into backups. Default: certificates alone.'),
    postgres: z
      .strictObject({
        username: text.describe('A role of its own, to which `portcullis store prepare` gives what it needs.'),
        password: secretSource.optional().describe('Its password. Default: the server asks for none.'),
        programs: path
          .optional()
          .describe('Folder of `pg_dump`, `pg_restore` and `psql`. Default: where distributions put them, by version.'),
      })
      .optional()
      .describe(
        'Who copies a store of the kind `postgres`, by `pg_dump`. Default: backups are made without it, and say so.',
      ),
    schedule: z
      .strictObject({
        everyHours: count(1, HOURS_PER_YEAR).describe('How often a backup is made while the gateway runs.'),
        keep: count(1, 1_000)
          .default(14)
          .describe('How many are kept in the folder, besides those that they continue.'),
        fullEvery: count(1, 365)
          .default(7)
          .describe('Every so manieth backup is full; those between hold what is new. 1: all are full.'),
        alertAfterHours: count(1, HOURS_PER_YEAR)
          .optional()
          .describe(
            'When the last backup is older, that is an error in the log and on record. Default: twice `everyHours`.',
          ),
      })
      .optional()
      .describe('Backups by the running gateway. Default: none; `portcullis backup create` makes one.'),
  })
  .refine(
    ({ schedule, folder, recipients }) => schedule === undefined || (folder !== undefined && recipients.length > 0),
    {
      path: ['schedule'],
      message: 'needs backup.folder and at least one of backup.recipients',
      when: isMap,
    },
  )
