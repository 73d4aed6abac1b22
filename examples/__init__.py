"""Programs that show Wakeful at work; none of them is part of it."""
