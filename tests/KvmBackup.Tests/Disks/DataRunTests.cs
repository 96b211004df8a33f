using KvmBackup.Disks;

namespace KvmBackup.Tests.Disks;

public sealed class DataRunTests
{
    [Fact]
    public void Runs_are_complete_and_maximal_at_any_offset()
    {
        Random random = new(9);
        for (int round = 0; round < 200; round++)
        {
            byte[] content = new byte[random.Next(20_000)];
            for (int patch = random.Next(4); patch > 0 && content.Length > 0; patch--)
            {
                int start = random.Next(content.Length);
                content.AsSpan(start, random.Next(content.Length - start)).Fill(1);
            }

            long offset = random.Next(10_000);
            DataRun[] runs = [.. DataRun.Within(offset, content, 512)];

            Assert.Equal(content, runs.SelectMany(run => run.Content.ToArray()));
            Assert.All(runs, run => Assert.Equal(run.IsData, run.Content.Span.ContainsAnyExcept((byte)0)));
            Assert.All(runs.Zip(runs.Skip(1)), pair => Assert.True(
                pair.First.IsData != pair.Second.IsData && pair.Second.OffsetBytes % 512 == 0
                && pair.First.OffsetBytes + pair.First.Content.Length == pair.Second.OffsetBytes));
            Assert.True(runs.Length == 0 || runs[0].OffsetBytes == offset);
        }
    }
}
