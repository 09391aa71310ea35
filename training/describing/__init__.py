"""From gesture descriptions to experts: people who act them out, seen by cameras that never were.

Nothing here draws a picture. `people` lets kinematic people play the descriptions, `views` looks
at them from anywhere, `observing` spoils what is seen as a pose estimator does, `hands` shows
hands by themselves, `recordings` brings real ones where there are any.
"""
