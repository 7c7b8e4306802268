"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const el = (tag, props = {}, ...kids) => { const e = Object.assign(document.createElement(tag), props); e.append(...kids); return e; };
const SVG = "http://www.w3.org/2000/svg";
