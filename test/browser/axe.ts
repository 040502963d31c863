import axe from 'axe-core'
import type { Page } from 'playwright/test'

/** The rules that a page is held to: the law's (WCAG 2.2 AA), and what is good practice beyond it. */
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** What axe has to say of a part of a page, shadow trees included: nothing is what one wants. */
export const violationsIn = async (page: Page, selector: string): Promise<string[]> => {
  // By the debugger rather than as a script of the page, whose Content-Security-Policy would refuse it.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source)
  return page.evaluate(
    async ([within, tags]) => {
      const { run } = (window as unknown as { axe: typeof axe }).axe
      const { violations } = await run(within, { runOnly: [...tags], resultTypes: ['violations'] })
      return violations.flatMap(({ id, help, nodes }) =>
        nodes.map(
          ({ target, failureSummary }) => `${id} (${help}) at ${target.flat().join(' ')}: ${failureSummary}`,
        ),
      )
    },
    [selector, TAGS] as const,
  )
}
