/// <reference path="./css.d.ts" />
import plotCss from 'uplot/dist/uPlot.min.css?inline'
import css from './style.css?inline'

let sheets: CSSStyleSheet[] | null = null

/** Constructed, not written into the page: a `<style>` would need 'unsafe-inline' in its Content-Security-Policy. */
export const styleSheets = (): CSSStyleSheet[] => {
  sheets ??= [plotCss, css].map((text) => {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(text)
    return sheet
  })
  return sheets
}
