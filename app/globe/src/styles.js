export const STYLES = `
.globe { position: relative; width: 100%; font-family: Roboto, Helvetica, Arial, sans-serif; --ink: #16202c; --paper: #ffffffee; --rule: #d8dee6; --ring: #1d5f8a; }
.globe[data-theme="dark"] { --ink: #e8eef4; --paper: #18212bee; --rule: #2a3542; --ring: #7cc0ee; }
canvas { display: block; width: 100%; aspect-ratio: 1 / 1; max-height: min(74vh, 900px); touch-action: none; border-radius: 10px; outline: none; cursor: grab; }
canvas:active { cursor: grabbing; }
.drawing canvas { cursor: crosshair; }
canvas:focus-visible { box-shadow: inset 0 0 0 2.5px var(--ring); }
.tip { position: absolute; left: 0; top: 0; z-index: 3; pointer-events: none; display: grid; gap: 1px; padding: 5px 9px; border-radius: 7px; font-size: 12px;
  line-height: 1.4; white-space: nowrap; color: var(--ink); background: var(--paper); border: 1px solid var(--rule); font-variant-numeric: tabular-nums; }
.tip[hidden], .hint[hidden] { display: none; }
.buttons { position: absolute; right: 6px; top: 6px; display: grid; gap: 5px; }
.buttons button { width: 32px; height: 32px; border-radius: 8px; border: 1px solid var(--rule); background: var(--paper); color: var(--ink); font-size: 17px;
  line-height: 1; cursor: pointer; padding: 0; }
.buttons button:hover { border-color: var(--ring); }
.buttons button:focus-visible { outline: 2.5px solid var(--ring); outline-offset: 1px; }
.buttons button[aria-pressed="true"] { background: var(--ring); color: var(--paper); border-color: var(--ring); }
.hint { position: absolute; left: 50%; bottom: 10px; transform: translateX(-50%); padding: 4px 12px; border-radius: 14px; font-size: 12.5px; color: var(--ink);
  background: var(--paper); border: 1px solid var(--rule); pointer-events: none; white-space: nowrap; }
.said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;
