/** Questions about policies are answered by processes, which are few: no tenant may take more than one of them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkPolicies } from '../../../src/gateway/policy-desk.ts'
import { VOCABULARY } from '../../policy/fixture.ts'

const check = (asker: string, text = 'permit (principal, action, resource);') =>
  checkPolicies(asker, [{ file: 'candidate.cedar', text }], VOCABULARY)

describe('questions about policies', { timeout: 60_000 }, () => {
  it('are answered one at a time for each tenant, so that another can still ask', async () => {
    const first = check('acme', ';'.repeat(199_000))
    await assert.rejects(check('acme'), { code: 'traffic.shed' })
    const [told, other] = await Promise.all([first, check('other')])
    assert.equal(told.problems.length, 1_000)
    assert.deepEqual([other.problems, other.policies], [[], 1])
    assert.equal((await check('acme')).policies, 1, 'and again after the answer')
  })

  it('are few at a time, whoever asks', async () => {
    const asked = [check('a'), check('b')]
    await assert.rejects(check('c'), { code: 'traffic.shed' })
    await Promise.all(asked)
  })

  it('that find no answer are no decision of a policy', async () => {
    const endless = `permit (principal, action, resource) when { ${'!'.repeat(3)}${'principal.tenant == "x" && '.repeat(7_000)}true };`
    await assert.rejects(check('acme', endless), { code: 'administration.unanswered' })
    assert.equal((await check('acme')).policies, 1)
  })
})
