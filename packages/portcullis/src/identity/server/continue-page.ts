/** Turns the one kind of page that the protocol library would send by script into a page with a button. */
import type { Answer } from '../../core/exchange.ts'
import { html } from './html.ts'
import { formTargetOf, page } from './page.ts'

const MARK = '<title>Submitting Callback</title>'
const ACTION = /<form method="post" action="([^"]*)">/
const INPUT = /<input type="hidden" name="([^"]*)" value="([^"]*)"\/>/g
const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
}

/** Any other answer stays what it is. */
export function withoutScript(answer: Answer): Answer {
  const { page: text, cookies } = answer
  if (text === undefined || !text.includes(MARK)) return answer
  const action = plain(ACTION.exec(text)?.[1] ?? '')
  const inputs = [...text.matchAll(INPUT)].map(
    ([, name = '', value = '']) => html`<input type="hidden" name="${plain(name)}" value="${plain(value)}">`,
  )
  const body = html`<h1>Almost done</h1>
<p class="soft">One more step.</p>
<form method="post" action="${action}">${inputs}<button type="submit" class="primary" autofocus>Continue</button></form>`
  const target = formTargetOf(action)
  const shown = page(body, {
    title: 'Continue',
    status: answer.status,
    formTargets: target === undefined ? [] : [target],
  })
  return { ...shown, ...(cookies && { cookies }) }
}

const plain = (text: string): string =>
  text.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity] ?? entity)
