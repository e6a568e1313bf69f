import{g as o}from"./chunk-CIRYA6SR.js";function e(t){return o("h1",{children:"Execution"})}export{e as Execution};
