/** Tests of the installed product: the chart, both images and the quickstart on a real node. */
package dev.chaperone.operator.node;
