/// <reference path="./css.d.ts" />
import plots from 'uplot/dist/uPlot.min.css?inline'
import data from './data.css?inline'
import dock from './dock.css?inline'
import events from './events.css?inline'
import overrides from './overrides.css?inline'
import theme from './theme.css?inline'

let sheets: CSSStyleSheet[] | null = null

/** Constructed, not written into the page: a `<style>` would need 'unsafe-inline' in its Content-Security-Policy. */
export const styleSheets = (): CSSStyleSheet[] => {
  sheets ??= [plots, theme, dock, data, events, overrides].map((text) => {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(text)
    return sheet
  })
  return sheets
}
