import { parseArgs } from 'node:util'
import { ensureBrowsers } from '../browsers.ts'
import { soak } from './soak.ts'
import { formatTable } from './table.ts'
import { startWorld } from './world.ts'

/**
 * `npm run test:soak -- --minutes 30`: three browsers of two users, over a line that is cut once a minute, with tokens
 * of 60 s. Prints the product's success metrics, and fails where one is missed. What it starts ends with it, on
 * Ctrl-C too: each part kills its process on `exit`, and ../cluster/children.ts exits on a signal.
 */

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' } } })
const minutes = Number(values.minutes)
// The first renewal of a token comes after 48 s at most, the first cut after 30 s.
if (!(minutes >= 1))
  throw new Error(`--minutes takes a number, 1 at least; fractions are welcome: ${values.minutes}`)

ensureBrowsers()
const world = await startWorld()
let failed = 1
try {
  const rows = await soak(world, { duration: minutes * 60_000, print: console.log })
  failed = rows.filter(({ isMet }) => !isMet).length
  console.log(`\n${formatTable(rows).join('\n')}\n\n${rows.length - failed} passed, ${failed} failed`)
} finally {
  await world.close()
}
// A browser that was driven over its own socket leaves handles behind that nothing here can close.
process.exit(failed > 0 ? 1 : 0)
