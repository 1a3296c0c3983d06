// Writes LIMBO.md: counts, then every case in which somebody differs from the suite, with the rule that decides here.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { REASONS } from '../../packages/portcullis/src/pki/validation/refused.ts'

/** @type {readonly (readonly [string, (one: any) => boolean])[]} */
const WHO = [
  ['Portcullis, rules for public authorities', ({ ours }) => ours.accepted],
  ['node:crypto, as one writes it', ({ node }) => node],
  ['openssl verify -x509_strict', ({ openssl }) => openssl],
]

/** True when no case that the suite calls invalid is accepted by us. */
export function writeLimbo(results, { version, isWritten }) {
  const valid = results.filter(({ wanted }) => wanted)
  const invalid = results.filter(({ wanted }) => !wanted)
  const counts = WHO.map(([name, accepts]) => {
    const good = valid.filter(accepts).length
    const bad = invalid.filter((one) => !accepts(one)).length
    return `| ${name} | ${good} of ${valid.length} | ${bad} of ${invalid.length} |`
  })
  const differing = results.filter(({ wanted, ours, node, openssl }) =>
    [ours.accepted, node, openssl].some((one) => one !== wanted),
  )
  const rows = differing.map(
    (one) =>
      `| \`${one.id}\` | ${says(one.wanted)} | ${says(one.ours.accepted)} | ${says(one.node)} | ${says(one.openssl)} | ${why(one)} |`,
  )
  const times = results.map(({ ms }) => ms).toSorted((a, b) => a - b)
  const text = `# x509-limbo

Written by \`npm run bench -- limbo\`. The cases are one half of x509-limbo (C2SP, Apache-2.0), regenerated; the other half was
not run while the rules were written. Portcullis runs here alone; in the gateway it runs after the platform, and a
certificate has to pass both. ${new Date().toISOString()}; Node ${process.version}, ${version}.

| verifier | valid accepted | invalid refused |
| --- | --- | --- |
${counts.join('\n')}

One case takes us ${times[Math.floor(times.length / 2)].toFixed(1)} ms in the middle and ${times.at(-1).toFixed(1)} ms at most, reading and signatures included.

## Every difference

What Portcullis says has the rule beside it. Where the others accept an invalid chain, they do not ask for that rule. Where
\`openssl verify\` refuses a valid one: it counts self-issued certificates as depth, takes the second of \`notAfter\` for too late,
and trusts no intermediate without its root. Node compares milliseconds. Cases of the suite that follow RFC 5280 alone, and whose
leaf has a common name that is none of its alternative names, are refused here by the rule of the CA/Browser Forum; \`profile:
private\` leaves that rule out.

| case | suite | Portcullis | node:crypto | openssl | rule |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`
  if (isWritten) writeFileSync(join(import.meta.dirname, '..', 'LIMBO.md'), text)
  console.log(text)
  return invalid.every(({ ours }) => !ours.accepted)
}

const says = (accepted) => (accepted ? 'valid' : 'invalid')

function why({ wanted, ours }) {
  if (ours.reason !== '') return `\`${ours.reason}\`: ${REASONS[ours.reason]}`
  return wanted ? 'nothing speaks against it' : '**accepted, and should not be**'
}
