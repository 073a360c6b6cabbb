"""What GoogLeNet is: Table 1, the blocks, the network, its weights and costs."""
