/** How the report page looks: light and dark, from a phone to a wide desk. Names nothing outside the page. */
export const STYLE = `
:root{color-scheme:light dark;--paper:#f6f7f9;--card:#fff;--ink:#16202e;--quiet:#5a6678;--rule:#dfe4eb;--good:#0b7a4b;--good-soft:#e2f5ec;--bad:#b4231c;--bad-soft:#fdeae8;--accent:#2557d6;
--c1:#2557d6;--c2:#c2500c;--c3:#0b7f58;--c4:#9326a8;--c5:#96690a;--c6:#0b7285;--c7:#b81648;--c8:#5d6877}
@media (prefers-color-scheme:dark){:root{--paper:#10151d;--card:#18202b;--ink:#e7ecf3;--quiet:#9aa7b9;--rule:#2a3544;--good:#55d39a;--good-soft:#123526;--bad:#ff8d84;--bad-soft:#421b19;--accent:#86a9ff;
--c1:#86a9ff;--c2:#ff9c60;--c3:#4fd1a1;--c4:#df93f2;--c5:#ecc25c;--c6:#56c8df;--c7:#ff84a3;--c8:#a7b2c1}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1280px;margin:0 auto;padding:20px 16px 48px}
header{display:flex;flex-wrap:wrap;align-items:center;gap:8px 16px;margin-bottom:4px}
h1{font-size:1.7rem;line-height:1.2;margin:0;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:32px 0 10px}h3{font-size:.95rem;margin:0 0 8px}
p{margin:6px 0}
.quiet{color:var(--quiet);font-weight:400}
.badge{display:inline-block;border-radius:99px;padding:3px 12px;font-weight:650;font-size:.9rem;white-space:nowrap}
.badge.good,.verdict.good{color:var(--good);background:var(--good-soft)}
.badge.bad,.verdict.bad{color:var(--bad);background:var(--bad-soft)}
.warn{border-left:4px solid var(--bad);background:var(--bad-soft);padding:8px 12px;border-radius:0 8px 8px 0}
.card,.plot{background:var(--card);border:1px solid var(--rule);border-radius:12px;padding:14px 16px;margin:0;min-width:0}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:10px}
.tile{background:var(--card);border:1px solid var(--rule);border-radius:12px;padding:10px 14px;min-width:0}
.tile b{display:block;font-size:1.25rem;line-height:1.25;overflow-wrap:anywhere}
.tile span{color:var(--quiet);font-size:.85rem;overflow-wrap:anywhere}
.plots{display:grid;grid-template-columns:minmax(0,1fr);gap:14px}
@media (min-width:900px){.plots{grid-template-columns:repeat(2,minmax(0,1fr))}.plots>.plot:only-child{grid-column:1/-1}}
figcaption{font-weight:620;margin-bottom:14px;overflow-wrap:anywhere}
.area{display:grid;grid-template-columns:4.6rem minmax(0,1fr);grid-template-rows:200px 1.6rem}
.area svg{grid-column:2;grid-row:1;width:100%;height:200px;display:block;overflow:visible}
.ys{grid-column:1;grid-row:1;position:relative;font-size:.75rem;color:var(--quiet)}
.ys span{position:absolute;right:8px;transform:translateY(50%);white-space:nowrap}
.xs{grid-column:2;grid-row:2;position:relative;font-size:.75rem;color:var(--quiet)}
.xs span{position:absolute;top:5px;transform:translateX(-50%);white-space:nowrap}
.xs span:first-child{transform:none}
.xs span.far{transform:translateX(-100%)}
@media (max-width:620px){.xs .odd{display:none}.area{grid-template-columns:3.7rem minmax(0,1fr)}.plot,.card{padding:12px}}
.grid{stroke:var(--rule);stroke-width:1;vector-effect:non-scaling-stroke}
.phase{stroke:var(--quiet);stroke-width:1;stroke-dasharray:2 4;opacity:.7;vector-effect:non-scaling-stroke}
.mark{stroke:var(--c2);stroke-width:1.5;stroke-dasharray:5 3;vector-effect:non-scaling-stroke}
.line{fill:none;stroke:currentColor;stroke-width:1.8;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.band{fill:currentColor;opacity:.14}
.bar{fill:var(--c1);opacity:.85}
.hover{fill:transparent}
.hover:hover{fill:var(--ink);fill-opacity:.07}
.c1{color:var(--c1)}.c2{color:var(--c2)}.c3{color:var(--c3)}.c4{color:var(--c4)}.c5{color:var(--c5)}.c6{color:var(--c6)}.c7{color:var(--c7)}.c8{color:var(--c8)}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:right;padding:5px 8px;border-bottom:1px solid var(--rule);vertical-align:top}
th:first-child,td:first-child{text-align:left;padding-left:0}
th:last-child,td:last-child{padding-right:0}
thead th{font-weight:550;color:var(--quiet);font-size:.8rem}
tbody th{font-weight:500;overflow-wrap:anywhere}
tbody tr:last-child>*{border-bottom:0}
.legend{font-size:.8rem;margin-top:6px}.legend th,.legend td{padding-top:2px;padding-bottom:2px;border:0}
.key{display:inline-block;width:14px;height:3px;border-radius:2px;margin-right:8px;vertical-align:middle;background:currentColor}
.key:not([class*=" c"]){visibility:hidden}
.wide{overflow-x:auto}
.verdict{border-radius:6px;padding:1px 8px;font-weight:600;white-space:nowrap}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
dl{display:grid;grid-template-columns:minmax(0,max-content) minmax(0,1fr);gap:4px 16px;margin:0;font-size:.9rem}
dt{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,330px),1fr));gap:14px}
@media (max-width:620px){.cards thead{display:none}.cards,.cards tbody{display:block}.cards tr{display:grid;grid-template-columns:1fr 1fr;gap:2px 12px;padding:10px 0;border-bottom:1px solid var(--rule)}.cards tr:last-child{border:0}
.cards th,.cards td{border:0;padding:0;text-align:left}.cards th{grid-column:1/-1;font-weight:620}.cards td:empty{display:none}.cards td[data-of]:not([data-of=""])::before{content:attr(data-of);display:block;color:var(--quiet);font-size:.75rem}.cards td[data-of=""]{grid-column:1/-1;padding-top:4px}}
details{margin-top:14px}summary{cursor:pointer;color:var(--accent);font-weight:550}
pre{overflow-x:auto;font-size:.8rem;background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:10px}
ul,ol{margin:4px 0;padding-left:1.3rem}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
@media print{body{background:#fff}.plot,.card,.tile{break-inside:avoid}}
`;
