/* The style sheet and the script of the HTML report, as they are in their files. */
	.section .rodata
	.globl	report_css, report_js
report_css:
	.incbin	"ukernel/lab/report.css"
	.byte	0
report_js:
	.incbin	"ukernel/lab/report.js"
	.byte	0
	.section .note.GNU-stack,"",@progbits
