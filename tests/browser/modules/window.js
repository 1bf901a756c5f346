import { endOf, Heights, placeAt, windowAt } from "/static/js/window.js";
import { equal, ok } from "./assert.js";

const ROWS = Array.from({ length: 1000 }, (_, at) => ({ key: `row ${at}` }));
const all = (px) => ROWS.map(() => px);

export function onlyWhatIsNearTheViewIsDrawn() {
  const { from, to, above, below } = windowAt(all(50), { index: 500, offset: -10 }, { view: 600, ahead: 200 });
  equal([from, to], [496, 517]);
  equal([above, below], [496 * 50, (1000 - 517) * 50]);
}

export function theEndAndTheBeginningAreDrawnWhole() {
  equal(windowAt(all(50), endOf(all(50), 600), { view: 600, ahead: 0 }), { from: 988, to: 1000, above: 49_400, below: 0 });
  equal(windowAt(all(50), { index: 0, offset: 0 }, { view: 600, ahead: 0 }), { from: 0, to: 12, above: 0, below: 49_400 });
  equal(windowAt([], endOf([], 600), { view: 600, ahead: 100 }), { from: 0, to: 0, above: 0, below: 0 });
}

export function aPlaceIsFoundByItsHeight() {
  equal(placeAt(all(50), 0), { index: 0, offset: 0 });
  equal(placeAt(all(50), 1234), { index: 24, offset: -34 });
  equal(placeAt(all(50), 1e9).index, 999);
}

export function whatWasNotMeasuredIsGuessedFromWhatWas() {
  const heights = new Heights();
  ok(heights.of(ROWS)[0] > 0, "a guess before all measuring");
  heights.measured("row 0", 100);
  heights.measured("row 1", 20);
  heights.measured("row 1", 40);
  equal(heights.of(ROWS.slice(0, 3)), [100, 40, 70]);
}

export function everyPlaceIsDrawnWhateverTheHeights() {
  const heights = ROWS.map((_, at) => 20 + ((at * 37) % 300));
  const total = heights.reduce((sum, px) => sum + px, 0);
  for (let top = 0; top < total - 600; top += 997) {
    const place = placeAt(heights, top);
    const { from, to, above, below } = windowAt(heights, place, { view: 600, ahead: 300 });
    ok(from <= place.index && place.index < to, `the place at ${top}`);
    ok(above <= top && total - below >= top + 600, `the view at ${top}`);
    ok(to - from < 80, `few rows at ${top}: ${to - from}`);
  }
}
